// Search in the transcript: matches are highlighted where they are, without a change to the text.

let matches = [];
let chosen = -1;

function search() {
  const wanted = byId("search").value.trim().toLocaleLowerCase();
  matches = [];
  chosen = -1;
  for (const turn of TURNS) {
    const text = turn.element.querySelector(".said").textContent.toLocaleLowerCase();
    turn.element.classList.toggle("found", Boolean(wanted) && text.includes(wanted));
    for (let at = wanted ? text.indexOf(wanted) : -1; at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      matches.push({turn, at, length: wanted.length});
    }
  }
  byId("search-count").textContent = wanted ? (matches.length ? counted(matches.length, "match", "matches") : "none") : "";
  paintMatches();
}

/** Where a match is: its element may be split into words by now, or not yet. */
function rangeOf({turn, at, length}) {
  const walker = document.createTreeWalker(turn.element.querySelector(".said"), NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  let passed = 0, isOpen = false;
  while (walker.nextNode()) {
    const node = walker.currentNode, size = node.data.length;
    if (!isOpen && at < passed + size) {
      range.setStart(node, at - passed);
      isOpen = true;
    }
    if (isOpen && at + length <= passed + size) {
      range.setEnd(node, at + length - passed);
      return range;
    }
    passed += size;
  }
  return null;
}

function paintMatches() {
  if (!globalThis.CSS?.highlights) return; // the turns are marked all the same
  if (!matches.length && !CSS.highlights.get("found")?.size) return;
  const ranges = matches.slice(0, 2000).map(rangeOf).filter(Boolean);
  CSS.highlights.set("found", new Highlight(...ranges));
  const now = chosen >= 0 ? rangeOf(matches[chosen]) : null;
  CSS.highlights.set("found-now", now ? new Highlight(now) : new Highlight());
}

function choose(direction) {
  if (!matches.length) return;
  chosen = (chosen + direction + matches.length) % matches.length;
  const {turn, at} = matches[chosen];
  byId("search-count").textContent = `${chosen + 1} of ${matches.length}`;
  splitWords(turn);
  paintMatches();
  setFollow(false);
  scrollToElement(turn.element);
  if (turn.start === undefined) return;
  const before = turn.element.querySelector(".said").textContent.slice(0, at).trim();
  const word = turn.spans?.[before ? before.split(/\s+/).length : 0];
  seek(word?.start ?? turn.start);
}

function startSearch() {
  byId("search").addEventListener("input", search);
  byId("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    choose(1);
  });
  byId("search").addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      byId("search").value = "";
      search();
      byId("search").blur();
    } else if (event.key === "Enter" && event.shiftKey) {
      event.preventDefault();
      choose(-1);
    }
  });
  byId("search-previous").addEventListener("click", () => choose(-1));
}
