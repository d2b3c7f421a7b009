// Lays the slides out before reveal.js shows them: formulas are set, pictures come alive, and what is too tall for a slide is made
// smaller, down to what the last row can read, and then goes on on a further slide. A font or a formula may be taller on another
// machine, so this is done where the deck is opened.

"use strict";

window.MathJax = {
  tex: { inlineMath: [["$", "$"], ["\\(", "\\)"]] },
  options: { enableMenu: false, ignoreHtmlClass: "code|out|shown|live", skipHtmlTags: ["script", "style", "pre", "code"] },
  svg: { fontCache: "global" },
  startup: { typeset: false },
};

window.Deck = (() => {
  const WIDTH = 1280, HEIGHT = 720;
  const SIZES = [[36, 28], [32, 25], [28, 23], [26, 21], [24, 20]]; // prose, and code: the last are the smallest that may be
  const PICTURES = [560, 500, 440, 380, 330, 280]; // heights of a picture
  const LARGE = 3, HIGH = 3; // so many of the sizes and of the heights are good, one more will do, and then a further slide is better
  const MOST_ZOOM = 1.5, LEAST_ZOOM = 1; // of a live picture, whose letters are at the limit then
  const LETTER = 0.61; // width of a letter of code, in its size
  const printing = /print-pdf|view=print/.test(location.search);

  const leaves = () => [...document.querySelectorAll(".slides > section > section")];
  const parts = (slide) => [...slide.querySelectorAll(":scope > .flow > .block")];

  /** The room for what stands on a slide. */
  function room(slide) {
    const style = getComputedStyle(slide);
    const spare = slide.querySelector("[data-alive]") ? 40 : 0; // a live picture may grow by a line of words
    return HEIGHT - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom) - spare;
  }

  /** Whether all of it stands on the slide, also in width. */
  function fits(slide) {
    const flow = slide.firstElementChild;
    return flow.offsetHeight <= room(slide) && flow.scrollWidth <= flow.offsetWidth;
  }

  function setSize(slide, [prose, code]) {
    slide.style.setProperty("--size", `${prose}px`);
    slide.style.setProperty("--small", `${code}px`);
  }

  const relax = (slide) => [0, 1].some((k) => shrink(slide, SIZES.slice(0, LARGE + k), PICTURES.slice(0, HIGH + k)));

  /** Try smaller letters, then smaller pictures with them. True when all is on the slide. */
  function shrink(slide, sizes = SIZES, pictures = PICTURES) {
    const heights = slide.querySelector("img") ? pictures : [null];
    for (const height of heights) {
      if (height) slide.style.setProperty("--picture", `${height}px`);
      for (const size of sizes) {
        setSize(slide, size);
        if (fits(slide)) return true;
      }
    }
    setSize(slide, SIZES[1]);
    slide.style.removeProperty("--picture");
    return false;
  }

  /** A live picture is made to fit as a whole: it has its own letters. */
  function zoom(slide) {
    const live = slide.querySelector("[data-alive]");
    if (!live) return;
    let size = MOST_ZOOM;
    do live.style.setProperty("--zoom", size.toFixed(2));
    while (!fits(slide) && (size -= 0.05) > LEAST_ZOOM - 0.01);
  }

  /** A narrow picture stands beside its words where it can be higher there than below them. */
  function putBeside(slide) {
    const [figure, ...more] = parts(slide).filter((block) => block.querySelector("figure > img"));
    const image = figure?.querySelector("img"), words = parts(slide).filter((block) => block !== figure && !isHead(block));
    if (!image || more.length || !words.length || image.naturalWidth > 1.5 * image.naturalHeight || !words.every(isNarrow)) return;
    const below = relax(slide) || shrink(slide) ? image.getBoundingClientRect().height : 0;
    const flow = slide.firstElementChild, lines = [...flow.children], first = lines.findIndex((line) => line === figure || words.includes(line));
    flow.classList.add("beside");
    flow.style.gridTemplateRows = `repeat(${lines.length - 1}, auto) 1fr`;
    figure.style.gridRow = `${first + 1} / -1`;
    const taller = relax(slide) && image.getBoundingClientRect().height > 1.1 * below;
    if (taller) return;
    flow.classList.remove("beside");
    for (const node of [flow, figure]) node.removeAttribute("style");
  }

  /** Words that lose nothing in a narrow column: no table, and no printed lines that would break. */
  const isNarrow = (block) =>
    !block.querySelector("table, .live, mjx-container[display='true']") &&
    [...block.querySelectorAll("pre")].every((pre) => pre.textContent.split("\n").every((line) => line.length < 36));

  const isHead = (block) => /^H\d$/.test(block.firstElementChild?.tagName ?? "");
  const leadsOn = (block) => isHead(block) || /:\s*$/.test(block.textContent) || isCode(block);
  const isCode = (block) => block.querySelector(".code") && block.nextElementSibling?.dataset.cell === block.dataset.cell;

  /** Where a slide is cut when what stands above is to be read in comfort and leads to nothing below; -1: nowhere. */
  function comfortableCut(slide) {
    const blocks = parts(slide);
    for (let at = blocks.length - 1; at > 0; at--) {
      if (leadsOn(blocks[at - 1])) continue;
      blocks.forEach((block, k) => (block.hidden = k >= at));
      const fit = relax(slide);
      blocks.forEach((block) => (block.hidden = false));
      if (fit) return at;
    }
    return -1;
  }

  /** Where a slide must be cut: before the first block that is not all on it, and before what leads to that block. */
  function cutAt(slide) {
    const top = slide.firstElementChild.getBoundingClientRect().top, blocks = parts(slide);
    const scale = slide.getBoundingClientRect().width / WIDTH;
    let at = blocks.findIndex((block) => (block.getBoundingClientRect().bottom - top) / scale > room(slide));
    if (at < 0) return -1;
    const full = at;
    while (at > 1 && leadsOn(blocks[at - 1])) at -= 1;
    if (at === 1 && leadsOn(blocks[0]) && full > 1) at = full;
    return at;
  }

  /** A further slide that takes the blocks from `at` on. */
  function goOn(slide, at) {
    const next = slide.cloneNode(false), flow = document.createElement("div");
    flow.className = "flow";
    next.removeAttribute("style");
    flow.append(...parts(slide).slice(at));
    next.append(flow);
    slide.after(next);
    return next;
  }

  /** Cut one block that is taller than a slide: a list, a table or printed lines go on in a copy. False: it cannot be cut. */
  function cutBlock(slide, block) {
    const rows = [...block.querySelectorAll(":scope > :is(ul, ol) > li, :scope > table > tbody > tr")], pre = block.querySelector("pre");
    if (rows.length < 2 && !(pre && pre.textContent.includes("\n"))) return false;
    const copy = block.cloneNode(true);
    if (rows.length > 1) {
      const half = Math.ceil(rows.length / 2), other = [...copy.querySelectorAll(":scope > :is(ul, ol) > li, :scope > table > tbody > tr")];
      rows.slice(half).forEach((row) => row.remove());
      other.slice(0, half).forEach((row) => row.remove());
      copy.querySelector(":scope > ol")?.setAttribute("start", half + 1);
    } else cutLines(pre, copy.querySelector("pre"));
    block.after(copy);
    return true;
  }

  function cutLines(pre, copy) {
    const lines = pre.innerHTML.split("\n"), half = Math.ceil(lines.length / 2);
    pre.innerHTML = lines.slice(0, half).join("\n");
    copy.innerHTML = lines.slice(half).join("\n");
  }

  /** Lay out one slide; what does not fit in comfort goes on to a further one, which is laid out next. */
  function layOut(slide) {
    zoom(slide);
    putBeside(slide);
    if (relax(slide)) return;
    let at = comfortableCut(slide);
    if (at < 0 && shrink(slide)) return;
    if (at < 0) at = cutAt(slide);
    if (at === 0 || (at === 1 && isHead(parts(slide)[0]))) {
      if (cutBlock(slide, parts(slide)[at])) return layOut(slide);
      at += 1;
      shrinkAll(slide, parts(slide)[at - 1]);
    }
    if (at < 0 || at >= parts(slide).length) return relax(slide) || shrink(slide);
    const next = goOn(slide, at);
    tellSections();
    zoom(slide);
    if (!relax(slide)) shrink(slide);
    layOut(next);
  }

  /** The last resort: a block as a whole, smaller than it should be. It is marked, and a test names it. */
  function shrinkAll(slide, block) {
    const free = room(slide) - (block.offsetTop - slide.firstElementChild.offsetTop);
    block.style.zoom = Math.min(1, free / block.offsetHeight, 1152 / block.scrollWidth).toFixed(3);
    block.dataset.small = block.style.zoom;
  }

  /** A slide must not open with nothing on it: what waits for a key is there at once when it comes first. */
  function openBlocks(slide) {
    const [first] = parts(slide), index = first?.dataset.fragmentIndex;
    if (first?.classList.contains("fragment"))
      for (const block of parts(slide)) if (block.dataset.fragmentIndex === index) block.classList.remove("fragment");
  }

  /** A slide without a heading of its own tells the section it belongs to. */
  function tellSections() {
    let section = "";
    for (const slide of leaves()) {
      const heading = slide.querySelector("h1, h2");
      if (heading) section = heading.textContent;
      else if (!slide.querySelector(".kicker")) slide.firstElementChild.insertAdjacentHTML("afterbegin", `<p class="kicker"></p>`);
      const kicker = slide.querySelector(".kicker");
      if (kicker) kicker.textContent = section;
    }
  }

  /** The speaker's notes of one slide in one place, outside of what is laid out. */
  function gatherNotes() {
    for (const slide of leaves()) {
      const notes = [...slide.querySelectorAll("aside.notes")];
      for (const other of notes.slice(1)) {
        notes[0].append(...other.childNodes);
        other.remove();
      }
      if (notes.length) slide.append(notes[0]);
    }
  }

  /** Notes name the slide that refutes a misconception, by the number that the deck shows. */
  function numberRefutations() {
    const slides = leaves();
    for (const place of document.querySelectorAll("[data-refutes]")) {
      const at = slides.findIndex((slide) => slide.querySelector(`.block[data-cell="${place.dataset.refutes}"]`));
      if (at >= 0) place.textContent = `Refuted on slide ${at + 1}.`;
    }
  }

  /** Each guess that is worth a word of its own, and none. */
  function guesses({ kind, spec, truth }) {
    const notes = truth.notes ?? {}, level = (spec.low + spec.high) / 2;
    const found = {
      choice: () => spec.choices,
      number: () => [spec.low, spec.high, ...notes.flatMap(([low, high]) => [low, high])],
      ranking: () => spec.items.map((item) => [item, ...spec.items.filter((other) => other !== item)]),
      curve: () => [[spec.low, spec.high], [spec.high, spec.low], [level, level]].map(([from, to]) =>
        spec.x.map((_, k) => from + ((to - from) * k) / (spec.x.length - 1))),
    }[kind]();
    return [...found, null];
  }

  /** A prediction takes the room of its longest answer from the start, so that nothing moves when it is shown. */
  async function reserve(place) {
    const model = await window.Unrolled.modelIn(place), before = model.get("state"), box = place.querySelector(".pf-box");
    let most = 0;
    for (const guess of guesses(model.values)) {
      model.set("state", { guess, shown: true });
      most = Math.max(most, box.offsetHeight);
    }
    model.set("state", before);
    box.style.minHeight = `${most}px`;
  }

  /** A question that stands in the text above is not asked again in the same words. */
  function askOnce(place) {
    const bare = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim(), question = place.querySelector(".u-lead b");
    const above = place.closest("section").querySelector("blockquote")?.textContent ?? "";
    if (bare(above).includes(bare(question.textContent))) question.parentElement.hidden = true;
  }

  /** Keys go to a picture while a hand works in it. A press of the mouse that is over, or Esc, gives them back to the slides. */
  function letGo() {
    const leave = () => document.activeElement?.closest(".live")?.contains(document.activeElement) && document.activeElement.blur();
    document.addEventListener("click", (event) => event.detail > 0 && event.target.closest(".live :is(button, label)") && setTimeout(leave));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !document.activeElement?.closest(".live")) return;
      event.stopPropagation();
      leave();
    }, true);
  }

  /** A picture is drawn somewhat larger than it was saved: it is read from far away. */
  function enlarge() {
    for (const image of document.querySelectorAll("figure > img")) image.style.width = `${Math.min(1152, 1.3 * image.naturalWidth)}px`;
  }

  /** Lines of code and of what it prints stay whole where that leaves letters that can be read. */
  function keepLines() {
    for (const pre of document.querySelectorAll(".block pre")) {
      const longest = Math.max(...pre.textContent.split("\n").map((line) => line.length));
      pre.style.setProperty("--widest", `${Math.max(SIZES.at(-1)[1], Math.floor(1110 / (LETTER * longest)))}px`);
    }
  }

  /** One still is enough for all the views of a picture. */
  function dropFurther(place) {
    const all = [...document.querySelectorAll(`[data-view][data-model="${place.dataset.model}"]`)];
    if (all.indexOf(place) > 0) place.closest("section").remove();
  }

  async function open() {
    gatherNotes();
    tellSections();
    await MathJax.startup.promise;
    await MathJax.typesetPromise();
    await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
    await document.fonts.ready;
    enlarge();
    keepLines();
    if (printing) for (const place of document.querySelectorAll("[data-view]")) dropFurther(place); // on paper a still is as good
    else await window.Unrolled.mountAll();
    for (const place of document.querySelectorAll(".live:has(.pf-box)")) await reserve(place, askOnce(place));
    letGo();
    for (const slide of leaves()) layOut(slide);
    leaves().forEach(openBlocks);
    numberRefutations();
    document.body.classList.remove("measuring");
    const options = { width: WIDTH, height: HEIGHT, margin: 0, center: false, hash: true, slideNumber: "c/t", navigationMode: "linear",
      transition: "none", backgroundTransition: "none", pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1, plugins: [RevealNotes] };
    await window.Reveal.initialize(options);
    document.documentElement.dataset.deck = "ready";
  }

  return { open };
})();
