// Search as an enhancement: without script the form stays hidden and nothing is missing but search. Works from a disk as
// well as from a server, because the index is loaded as scripts (a page opened from a disk may not fetch). Nothing is
// loaded before the first letter is typed. The index is described in nb's SearchIndex.swift; `terms` must cut words as
// SearchTerms.swift does.
(() => {
  const form = document.getElementById("search");
  if (!form) return;
  const input = document.getElementById("search-input");
  const list = document.getElementById("search-results");
  const status = document.getElementById("search-status");
  const root = form.dataset.root || "";
  const say = (key, n) => (form.dataset[key] || "").replace("{n}", n);
  const most = 6;

  let shardCount = 0;
  let lessons = 0;
  let pages = null;
  const shards = new Map();
  const details = new Map();
  const loading = new Map();

  const load = (file) => {
    if (!loading.has(file)) {
      loading.set(file, new Promise((done, failed) => {
        const script = document.createElement("script");
        script.src = root + file;
        script.onload = done;
        script.onerror = () => { loading.delete(file); failed(new Error(file)); };
        document.head.append(script);
      }));
    }
    return loading.get(file);
  };

  const lines = (text) => text.split("\n").filter(Boolean);

  // What the index files call.
  window.nbSearch = {
    index(count, lessonCount, text) {
      shardCount = count;
      lessons = lessonCount;
      pages = lines(text).map((line) => { const [name, title] = line.split("\t"); return { path: `${name}.html`, title }; });
    },
    shard(number, text) {
      shards.set(number, lines(text).map((line) => { const at = line.indexOf(" "); return [line.slice(0, at), line.slice(at + 1)]; }));
    },
    page(path, excerpt, headings) {
      details.set(path, { excerpt, headings: lines(headings).map((line) => { const at = line.indexOf("\t"); return { id: line.slice(0, at), text: line.slice(at + 1) }; }) });
    },
  };

  const unspaced = /[\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u3005-\u3007\u3040-\u30FF\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uAC00-\uD7A3\uF900-\uFAFF\u{20000}-\u{323AF}]/u;
  const wordPart = /[\p{Alphabetic}\p{Mn}\p{Nd}_]/u;

  // A query's terms; `open` marks what may be the beginning of a longer word.
  const terms = (text) => {
    const found = [];
    let word = "";
    let pairs = [];
    const endWord = () => {
      const letters = [...word];
      const digits = letters.filter((c) => c >= "0" && c <= "9").length;
      if (letters.length > 1 && digits < letters.length && (digits <= 4 || letters.length <= 12)) {
        const bare = word.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
        found.push({ term: [...bare].slice(0, 32).join(""), open: letters.length > 2 });
      }
      word = "";
    };
    const endPairs = () => {
      if (pairs.length === 1) found.push({ term: pairs[0], open: true });
      for (let i = 0; i + 1 < pairs.length; i++) found.push({ term: pairs[i] + pairs[i + 1], open: false });
      pairs = [];
    };
    for (const c of text.normalize("NFKC")) {
      if (unspaced.test(c)) { endWord(); pairs.push(c); }
      else if (wordPart.test(c)) { endPairs(); word += c; }
      else { endWord(); endPairs(); }
    }
    endWord();
    endPairs();
    return found;
  };

  // FNV-1a over the first three letters, or the first where letters come in pairs.
  const shardOf = (term) => {
    const start = [...term].slice(0, unspaced.test(term) ? 1 : 3).join("");
    let hash = 2166136261;
    for (const byte of new TextEncoder().encode(start)) hash = Math.imul(hash ^ byte, 16777619) >>> 0;
    return hash % shardCount;
  };

  const addPostings = (scores, text) => {
    let page = -1;
    for (const [, distance, weight] of text.matchAll(/([0-9a-z]+)([A-J])/g)) {
      page += parseInt(distance, 36);
      scores.set(page, Math.max(scores.get(page) || 0, weight.charCodeAt(0) - 64));
    }
  };

  const score = async (text) => {
    if (!pages) await load("search/index.js");
    const wanted = terms(text);
    const perTerm = await Promise.all(wanted.map(async ({ term, open }, i) => {
      const number = shardOf(term);
      if (!shards.has(number)) await load(`search/s${number}.js`);
      const scores = new Map();
      for (const [word, postings] of shards.get(number)) {
        // A whole word counts for more than the beginning of one.
        if (word === term) { addPostings(scores, postings); for (const [p, s] of scores) scores.set(p, s + 2); }
        else if (open && word.startsWith(term)) addPostings(scores, postings);
      }
      return scores;
    }));
    if (!perTerm.length) return [];
    // Every term must be there; rare ones count for more.
    const results = [];
    for (const page of perTerm[0].keys()) {
      if (perTerm.every((scores) => scores.has(page))) {
        const sum = perTerm.reduce((all, scores) => all + scores.get(page) * Math.log(1 + pages.length / scores.size), 0);
        // A lesson teaches what a log or a list only mentions.
        results.push({ ...pages[page], score: page < lessons ? sum : sum * 0.6 });
      }
    }
    return results.sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1));
  };

  const element = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  const show = async (text, results) => {
    const shown = results.slice(0, most);
    const names = shown.map(({ path }) => `search/p/${path.replace(/\.html$/, "")}.js`);
    await Promise.all(names.map((name) => load(name).catch(() => {})));
    const wanted = terms(text).map(({ term }) => term);
    const entries = shown.map(({ path, title }) => {
      const item = element("li");
      item.append(element("a", title, { href: root + path }));
      const { excerpt, headings } = details.get(path) || { excerpt: "", headings: [] };
      const hits = headings.filter((heading) => { const own = terms(heading.text).map(({ term }) => term); return wanted.some((w) => own.some((o) => o.startsWith(w))); });
      if (excerpt) item.append(element("p", excerpt));
      if (hits.length) {
        const sections = element("ul");
        for (const { id, text: heading } of hits.slice(0, 3)) {
          const section = element("li");
          section.append(element("a", heading, { href: `${root}${path}#${encodeURIComponent(id)}` }));
          sections.append(section);
        }
        item.append(sections);
      }
      return item;
    });
    list.replaceChildren(...entries);
    status.textContent = results.length === 0 ? say("none") : results.length === 1 ? say("one", 1) : say("many", results.length);
  };

  let turn = 0;
  const search = async () => {
    const mine = ++turn;
    const text = input.value.trim();
    if (!text) { list.replaceChildren(); status.textContent = ""; return; }
    try {
      const results = await score(text);
      if (mine === turn) await show(text, results);
    } catch {
      if (mine === turn) status.textContent = say("failed");
    }
  };

  const clear = () => { input.value = ""; search(); };
  list.addEventListener("click", (event) => { if (event.target.closest("a")) clear(); });

  form.hidden = false;
  form.addEventListener("submit", (event) => { event.preventDefault(); search(); });
  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") clear();
    if (event.key === "ArrowDown") { const first = list.querySelector("a"); if (first) { event.preventDefault(); first.focus(); } }
  });
})();
