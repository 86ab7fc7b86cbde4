// Keys for a talk: arrows, space and Page Up or Down go from slide to slide, Home to the overview. Without this script the links
// of each slide do the same.
(() => {
  'use strict';
  const slides = [...document.querySelectorAll('.slide')];
  if (slides.length === 0) return;

  // The slide whose top is nearest to the window's.
  const current = () => {
    const tops = slides.map((slide) => Math.abs(slide.getBoundingClientRect().top));
    return tops.indexOf(Math.min(...tops));
  };
  // A slide taller than the window is read to its end before the next one comes.
  const isUnread = (slide, down) => {
    const box = slide.getBoundingClientRect();
    return down ? box.bottom > innerHeight * 1.25 && box.top <= 1 : box.top < -1;
  };
  const go = (step) => {
    const index = current();
    const slide = slides[index];
    if (isUnread(slide, step > 0)) {
      scrollBy({ top: step * innerHeight * 0.8 });
      return;
    }
    const target = slides[Math.min(slides.length - 1, Math.max(0, index + step))];
    target.scrollIntoView();
    history.replaceState(null, '', `#${target.id}`);
  };
  const steps = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, ' ': 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
  addEventListener('keydown', (event) => {
    const busy = event.target.closest?.('input, textarea, select, button, summary, a, [tabindex="0"]');
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // What has the focus keeps the keys that mean something to it.
    if (busy && !['ArrowRight', 'ArrowLeft', 'PageDown', 'PageUp'].includes(event.key)) return;
    if (event.target.closest?.('input, textarea, [tabindex="0"]')) return;
    if (event.key === 'Home') {
      event.preventDefault();
      slides[0].scrollIntoView();
      return;
    }
    const step = event.key === ' ' && event.shiftKey ? -1 : steps[event.key];
    if (!step) return;
    event.preventDefault();
    go(step);
  });
})();
