// SPDX-License-Identifier: Apache-2.0
// The book's search and its copy buttons. Without it the pages are whole, and have neither.
"use strict";

const FOUND_MAX = 12;

// --- copying

function addCopyButton(pre) {
  const block = document.createElement("div");
  const button = document.createElement("button");
  block.className = "block";
  button.className = "copy";
  button.type = "button";
  button.textContent = "Copy";
  pre.tabIndex = 0;
  pre.replaceWith(block);
  block.append(pre, button);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(pre.textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser refuses";
    }
  });
}

// --- searching: sections that have all words, those first whose headings have them

function score(section, words) {
  const heading = (section.title + " " + section.heading).toLowerCase();
  const text = section.text.toLowerCase();
  let sum = 0;
  for (const word of words) {
    if (heading.includes(word)) sum += 10;
    else if (text.includes(word)) sum += 1;
    else return 0;
  }
  return sum;
}

// The words around the first of those that were looked for, and these marked.
function excerpt(text, words) {
  const at = Math.max(0, Math.min(...words.map((w) => text.toLowerCase().indexOf(w)).filter((n) => n >= 0).concat(text.length)) - 60);
  const piece = text.slice(at === text.length - 60 ? 0 : at).slice(0, 200);
  const out = document.createElement("p");
  const lower = piece.toLowerCase();
  for (let i = 0; i < piece.length; ) {
    const word = words.find((w) => lower.startsWith(w, i));
    const end = word ? i + word.length : i + 1;
    if (word) {
      const mark = document.createElement("mark");
      mark.textContent = piece.slice(i, end);
      out.append(mark);
    } else {
      out.append(piece.slice(i, end));
    }
    i = end;
  }
  out.normalize();
  return out;
}

function show(box, found, words) {
  box.replaceChildren();
  box.hidden = words.length === 0;
  if (box.hidden) return;
  const list = document.createElement("ul");
  for (const section of found) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = section.page + "#" + section.anchor;
    link.textContent = section.heading === section.title ? section.title : section.title + ": " + section.heading;
    item.append(link, excerpt(section.text, words));
    list.append(item);
  }
  if (found.length === 0) {
    const none = document.createElement("p");
    none.textContent = "Nothing has all of these words.";
    box.append(none);
  } else {
    box.append(list);
  }
}

function startSearch() {
  const form = document.getElementById("search");
  const input = document.getElementById("words");
  const box = document.getElementById("found");
  let sections = null;
  const look = async () => {
    const words = input.value.toLowerCase().split(/\s+/).filter((w) => w.length > 1);
    if (words.length > 0 && !sections) {
      sections ??= fetch("search.json").then((r) => (r.ok ? r.json() : Promise.reject(new Error(String(r.status)))));
    }
    try {
      const all = words.length > 0 ? await sections : [];
      const scored = all.map((s) => [score(s, words), s]).filter(([n]) => n > 0);
      scored.sort((a, b) => b[0] - a[0]);
      show(box, scored.slice(0, FOUND_MAX).map(([, s]) => s), words);
    } catch {
      sections = null;
      box.hidden = false;
      box.textContent = "The search's index cannot be had: try again.";
    }
  };
  input.addEventListener("input", look);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    look();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      input.value = "";
      look();
    }
  });
  form.hidden = false;
}

document.querySelectorAll("main pre").forEach(addCopyButton);
startSearch();
