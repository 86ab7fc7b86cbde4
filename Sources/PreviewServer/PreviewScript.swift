// What the preview adds to a page. The page is brought up to date in place, so that its scroll position and what was
// opened on it stay.

let previewScript = """
  (() => {
    if (window.nbPreview) return;
    const state = window.nbPreview = { build: null };
    const events = new EventSource("/_nb/events");
    const page = () => { const path = decodeURIComponent(location.pathname).replace(/^\\//, ""); return path === "" || path.endsWith("/") ? path + "index.html" : path; };

    const box = (id, role) => {
      let found = document.getElementById(id);
      if (!found) { found = document.createElement("aside"); found.id = id; found.setAttribute("role", role); document.body.append(found); }
      return found;
    };
    const show = (id, role, title, text) => {
      if (!text) { const old = document.getElementById(id); if (old) old.remove(); return; }
      const head = document.createElement("strong");
      head.textContent = title;
      const body = document.createElement("pre");
      body.textContent = text;
      box(id, role).replaceChildren(head, body);
    };
    const problems = (text) => { state.problems = text; show("nb-problems", "alert", "nb: not up to date", text); };
    const running = (text) => { state.running = text; show("nb-running", "status", "nb: running", text); };

    const refresh = async () => {
      const answer = await fetch(location.pathname, { cache: "no-store" });
      if (!answer.ok && answer.status !== 404) return location.reload();
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const open = [...document.querySelectorAll("details")].map((one) => one.open);
      const place = [scrollX, scrollY];
      document.title = fresh.title;
      document.body.replaceChildren(...[...fresh.body.childNodes].map((one) => document.adoptNode(one)));
      const details = [...document.querySelectorAll("details")];
      if (details.length === open.length) details.forEach((one, i) => { one.open = open[i]; });
      // Scripts of the theme see the new text as they saw the old.
      for (const old of document.querySelectorAll("script[src]")) {
        if (old.src.includes("/_nb/")) continue;
        const again = document.createElement("script");
        again.src = old.src;
        old.replaceWith(again);
      }
      for (const old of document.head.querySelectorAll("script[src]")) { const again = document.createElement("script"); again.src = old.src; old.replaceWith(again); }
      scrollTo(...place);
      problems(state.problems);
      running(state.running);
      document.documentElement.dataset.nbBuild = state.build;
    };
    const restyle = () => {
      for (const link of document.querySelectorAll('link[rel="stylesheet"]')) {
        const address = new URL(link.href);
        address.searchParams.set("nb", state.build);
        link.href = address.href;
      }
    };

    events.addEventListener("hello", (event) => {
      const said = JSON.parse(event.data);
      const missed = state.build !== null && said.build !== state.build;
      state.build = said.build;
      problems(said.problems);
      running(said.running);
      if (missed) refresh();
    });
    events.addEventListener("built", (event) => {
      const said = JSON.parse(event.data);
      state.build = said.build;
      problems(said.problems);
      if (said.written.some((path) => path.endsWith(".css"))) restyle();
      if (said.written.some((path) => path === "theme.js" || path === "search.js")) return location.reload();
      if (said.written.includes(page())) refresh();
    });
    events.addEventListener("running", (event) => running(JSON.parse(event.data).text));
  })();

  """

let previewStyle = """
  #nb-problems, #nb-running { position: fixed; right: 1rem; bottom: 1rem; z-index: 10; max-width: min(60rem, calc(100vw - 2rem)); max-height: 60vh; overflow: auto; padding: .7rem 1rem; border-radius: .3rem; font: .85rem/1.45 ui-monospace, Menlo, Consolas, monospace; box-shadow: 0 2px 12px rgb(0 0 0 / .4); }
  #nb-problems { background: #7a1420; color: #fff; }
  #nb-running { left: 1rem; right: auto; background: #12395c; color: #fff; }
  #nb-problems pre, #nb-running pre { margin: .4rem 0 0; padding: 0; background: none; color: inherit; white-space: pre-wrap; }
  @media print { #nb-problems, #nb-running { display: none; } }

  """
