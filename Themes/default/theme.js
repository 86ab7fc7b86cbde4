// What a script adds to a page that works without one: a button that copies code, `/` for the search, boxes that take the
// keyboard's focus only when they scroll. Its words come from the page (data-words of the body).
(() => {
  'use strict';
  const words = JSON.parse(document.body.dataset.words || '{}');

  // Copying needs a clipboard, which a page from a disk may not have: then a selection is the next best.
  const copy = async (code) => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      return true;
    } catch {
      const selection = getSelection();
      selection.selectAllChildren(code);
      const done = document.execCommand('copy');
      selection.removeAllRanges();
      return done;
    }
  };
  for (const code of document.querySelectorAll('pre > code')) {
    const pre = code.parentElement;
    const box = document.createElement('div');
    box.className = 'code-box';
    pre.replaceWith(box);
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'copy';
    button.textContent = words.copy;
    button.addEventListener('click', async () => {
      if (!(await copy(code))) return;
      button.textContent = words.copied;
      setTimeout(() => { button.textContent = words.copy; }, 1500);
    });
    box.append(pre, button);
  }

  // A box is a stop for the keyboard only while it scrolls.
  const boxes = document.querySelectorAll('.table-box, .plot-box, pre');
  const measure = () => {
    for (const box of boxes) {
      if (box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1) box.tabIndex = 0;
      else box.removeAttribute('tabindex');
    }
  };
  measure();
  addEventListener('resize', measure);
  document.addEventListener('toggle', measure, true);

  // Where the stylesheet cannot open the contents beside the text (no ::details-content), the script does.
  const contents = document.querySelector('.contents details');
  const wide = matchMedia('(min-width: 66rem)');
  if (contents && !CSS.supports('selector(::details-content)')) {
    const follow = () => { contents.open = wide.matches; };
    follow();
    wide.addEventListener('change', follow);
  }

  // A link into something folded away opens it.
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = target && (target.querySelector(':scope > details') || target.closest('details'));
    if (folded && !folded.open) { folded.open = true; target.scrollIntoView(); }
  };
  reveal();
  addEventListener('hashchange', reveal);

  addEventListener('keydown', (event) => {
    const typing = event.target.closest?.('input, textarea, select, [contenteditable]');
    const input = document.getElementById('search-input');
    if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey || !input || input.form.hidden) return;
    event.preventDefault();
    input.focus();
  });
})();
