// Splits the lesson on this page into slides: what it shows is projected, what it says are the notes of the instructor.
"use strict";
(() => {
  const LINES = 18; // of a listing on one slide; a longer one goes on on the next
  const ROWS = 4; // of a table
  const FILES = 18; // of a chapter's change
  const WORDS = {
    en: { notes: "For the instructor", more: "continued", lead: 110 }, // lead: characters of a sentence that is
    ko: { notes: "강사 노트", more: "이어서", lead: 70 }, // short enough to be shown above a listing
  }[document.documentElement.lang];
  // Besides code and pictures, what is projected of a section.
  const PROJECTED = { "try-it": "ul, ol", "key-points": "ul, ol", article: "table" };
  const SHOWN = ".highlight, .tabbed-set, .changes, .file-diff, .tree, .figure";

  const element = (name, className, ...children) => {
    const made = Object.assign(document.createElement(name), { className });
    made.append(...children);
    return made;
  };
  const copy = (block) => block.cloneNode(true);
  /** The blocks of a box, which is closed in the lesson, without its title. */
  const inside = (block) => (block.matches("details") ? [...block.children].slice(1) : [block]);
  /** As many parts as it needs, of about the same length and of at most so many. */
  const evenly = (all, most) => {
    const each = Math.ceil(all.length / Math.ceil(all.length / most));
    return all.flatMap((_, at) => (at % each ? [] : [all.slice(at, at + each)]));
  };

  /** A listing in parts that fit a slide, cut at an empty line where there is one. */
  const splitListing = (listing) => {
    const code = listing.querySelector("code");
    // Each line is HTML of its own, once the end of a marked line is outside of its mark.
    const lines = code.innerHTML.replaceAll("\n</span>", "</span>\n").trimEnd().split("\n");
    if (!listing.querySelector(".filename") || lines.length <= LINES) return [listing];
    const empty = (at) => !lines[at].replace(/<[^>]*>/g, "").trim();
    const parts = [];
    for (let start = 0; start < lines.length; ) {
      const left = lines.length - start;
      const even = Math.ceil(left / Math.ceil(left / LINES));
      let end = start + even;
      if (even < left) {
        for (let at = start + Math.floor(even / 2), best = Infinity; at < start + LINES; at++) {
          const away = Math.abs(at - start - even);
          if (empty(at) && away < best) [end, best] = [at, away];
        }
      }
      const part = copy(listing);
      const next = end;
      while (empty(end - 1)) end--;
      part.querySelector("code").innerHTML = `${lines.slice(start, end).join("\n")}\n`;
      parts.push(part);
      for (start = next; start < lines.length && empty(start); ) start++;
    }
    return parts;
  };

  const splitTable = (table) =>
    evenly([...table.tBodies[0].rows], ROWS).map((rows) => {
      const part = copy(table);
      part.tBodies[0].replaceChildren(...rows);
      return part;
    });

  /** What the class types: a file that is taught with its lines, folded ones beside it by their names. */
  const showTyped = (block, rest) => {
    const byName = ".typing[data-folded]:not([data-taught])";
    if (block.matches(byName)) {
      const folded = [block];
      while (rest[0]?.matches(byName)) folded.push(rest.shift());
      return listFiles(folded);
    }
    const name = element("span", "filename", block.dataset.file);
    const code = block.querySelector("pre");
    const parts = splitListing(element("div", "highlight", name, copy(code)));
    for (const part of parts) {
      const diff = part.querySelector(".diff > code"); // each of its lines is a block on a slide
      if (diff) diff.innerHTML = diff.innerHTML.replaceAll("\n", "");
    }
    return parts;
  };

  /** Which files change, as many as fit a slide; the lines are in the lesson. */
  const listFiles = (diffs) => {
    const rows = diffs.map((diff) => {
      const [path, badge, ...counts] = diff.querySelector("summary").children;
      const cells = [[path], [badge], counts.flatMap((count) => [count, " "])];
      return element("tr", "", ...cells.map((cell) => element("td", "", ...cell)));
    });
    const parts = rows.flatMap((_, at) => (at % FILES ? [] : [rows.slice(at, at + FILES)]));
    return parts.map((part) => element("table", "changed", element("tbody", "", ...part)));
  };

  /** What a block looks like, in as many parts as it needs; what belongs to it is taken from the rest. */
  const show = (block, rest) => {
    if (block.matches(".tabbed-set")) {
      const forms = block.querySelectorAll(".highlight");
      if (!rest[0]?.matches(".answer")) return [forms[0]];
      return [element("div", "", forms[forms.length - 1], rest.shift())]; // without those that a reader copies
    }
    if (block.matches(".changes")) {
      const diffs = [];
      while (rest[0]?.matches(".file-diff:not(.typing)")) diffs.push(rest.shift());
      return listFiles(diffs);
    }
    if (block.matches(".typing")) return showTyped(block, rest);
    if (block.matches("table")) return splitTable(block);
    return block.matches(".highlight") ? splitListing(block) : [block];
  };

  const splitLesson = (lesson) => {
    lesson.querySelectorAll(".headerlink, .lab-opener, .slides").forEach((part) => part.remove());
    const [title, ...rest] = lesson.children;
    const first = { kind: "first", above: title.dataset.chapter, title: title.innerHTML, shown: [], notes: [] };
    const slides = [first];
    let section, heading, waiting = []; // prose since the last block that is shown
    const say = () => {
      slides.at(-1).notes.push(...waiting);
      waiting = [];
    };
    while (rest.length) {
      const block = rest.shift();
      if (block.matches("h2")) [section, heading] = [block, block];
      if (section?.id === "instructors") {
        if (block !== section) first.notes.push(...inside(block));
      } else if (block.matches("h2, h3, h4")) {
        say();
        heading = block;
      } else if (!section) {
        first.shown.push(block);
      } else if (block.matches("details.question")) {
        say();
        const question = block.querySelector("summary").innerHTML;
        slides.push({ kind: "question", above: section.textContent, title: question, shown: [], notes: [] });
        waiting = inside(block);
      } else if (block.matches("details:not(.file-diff)")) {
        rest.unshift(...inside(block));
      } else if (block.matches(SHOWN) || block.matches(PROJECTED[section.id] ?? "none")) {
        const lead = waiting.at(-1);
        const above = lead?.matches("p") && lead.textContent.length <= WORDS.lead && !lead.textContent.includes("\n");
        show(block, rest).forEach((part, at) => {
          const shown = above && !at ? [element("div", "lead", copy(lead)), part] : [part];
          const more = at ? ` <small>${WORDS.more}</small>` : "";
          const from = heading === section ? "" : section.textContent;
          slides.push({ kind: "", above: from, title: heading.innerHTML + more, shown, notes: waiting.map(copy) });
        });
        waiting = [];
      } else {
        waiting.push(block);
      }
    }
    say();
    return slides;
  };

  const main = document.querySelector("main");
  const slides = splitLesson(main.querySelector("article"));
  const pages = slides.map(({ kind, above, title, shown, notes }, at) => {
    const heading = element("h2", "");
    heading.innerHTML = title;
    const slide = element(
      "section", "slide md-typeset", element("header", "", above), heading,
      element("div", "shown", ...shown), element("footer", "", `${at + 1} / ${slides.length}`),
    );
    const aside = element("aside", "notes md-typeset", element("h3", "", WORDS.notes), ...notes);
    return Object.assign(element("article", `page ${kind}`, slide, aside), { id: at + 1 });
  });
  main.replaceChildren(...pages);
})();
