// The transcript: who said what, when, how sure that is, and what of it was heard.

const TURNS = DATA.turns
  .map((turn, index) => ({...turn, index}))
  .sort((a, b) => placeOf(a) - placeOf(b) || a.index - b.index);
const PLACED = TURNS.filter((turn) => turn.start !== undefined);
const SHORTEST_GAP_MS = 250; // shorter ones are on the waveform alone; chosen
const SURE = 0.8, UNSURE = 0.5; // as the documentation has them
const CAUSES = table({
  lost: "of sound are lost",
  starved: "that the browser dropped",
  between_parts: "while no recorder ran",
  between_slices: "between two slices",
  pause: "in which the recorder was paused",
});
const KINDS = table({
  instructions: "Instructions", context: "Context", text: "Typed", tool_call: "Tool call", tool_result: "Tool result",
  commentary: "Commentary", thinking: "Thinking", delegation: "Delegation",
});
let current = new Set();
let follows = true;

/** Where a turn belongs in the list: one without a place comes behind the one before it in the log. */
function placeOf(turn) {
  for (let index = turn.index; index >= 0; index--) {
    if (DATA.turns[index].start !== undefined) return DATA.turns[index].start;
  }
  return 0;
}

const roleClass = (role) => (role === "user" || role === "assistant" ? role : "other");

function badges(turn) {
  const found = [];
  if (turn.status === "no_audio") found.push(["", "not recorded", "It was said while nothing was recorded"]);
  else if (turn.status === "unmatched") found.push(["bad", "not found", "It was not found in the sound: its time is the log's"]);
  else if (turn.sure < SURE) found.push(["warn", `place ${Math.round(turn.sure * 100)} % sure`, "How sure it is that it sounds here"]);
  if (turn.status === "clipped") found.push(["", "cut by the recording", "The recording ends, or has a gap, within it"]);
  else if (turn.interrupted) found.push(["", "cut off", "It was interrupted"]);
  return found.map(([kind, label, meaning]) => {
    const badge = make("span", `badge ${kind}`, label);
    badge.title = meaning;
    return badge;
  });
}

/** The text; what was not heard of it is struck out. */
function saidText(turn) {
  const said = make("p", "said");
  said.dir = "auto";
  if (turn.language && /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(turn.language)) said.lang = turn.language;
  if (turn.heard === undefined || turn.heard === turn.text) {
    said.append(turn.text);
  } else if (turn.text.startsWith(turn.heard)) {
    said.append(turn.heard, unheard(turn.text.slice(turn.heard.length)));
  } else {
    said.append(turn.heard, " ", unheard(turn.text));
  }
  return said;
}

function unheard(text) {
  const element = make("s", "unheard", text);
  element.title = "Not heard: it was meant to be said";
  return element;
}

function turnElement(turn) {
  const article = make("article", `turn ${roleClass(turn.role)}`);
  const isPlaced = turn.start !== undefined;
  const when = button("when", isPlaced ? clock(turn.start) : "–", () => seek(turn.start));
  when.disabled = !isPlaced;
  when.title = isPlaced ? "Go there" : "It has no place in the sound";
  when.setAttribute("aria-label", isPlaced ? `Go to ${clock(turn.start)}` : "No place in the sound");
  article.id = `u-${turn.index}`;
  article.append(when, make("div", "", make("p", "who", turn.speaker, ...badges(turn)), saidText(turn)));
  if (!isPlaced) article.classList.add("unplaced");
  else if (turn.sure < SURE) article.dataset.sure = turn.sure < UNSURE ? "low" : "mid";
  article.turn = turn;
  turn.element = article;
  return article;
}

function gapElement([start, end, cause]) {
  const go = button("link", clock(start), () => seek(start));
  return make("p", `gap ${cause === "lost" ? "lost" : ""}`, go, `${lengthOf(end - start)} ${CAUSES[cause] ?? "of silence"}`);
}

function noteElement(note) {
  const text = note.text ?? note.arguments ?? note.output ?? "";
  const label = [KINDS[note.kind] ?? note.kind, note.name].filter(Boolean).join(" ");
  const time = note.at === null ? "" : ` ${clock(note.at)}`;
  const summary = make("summary", "", make("b", "", label), `${time} · ${text.slice(0, 200)}`);
  const details = make("details", `note ${note.kind === "instructions" ? "chapter" : ""}`, summary, make("pre", "", text));
  note.element = details;
  return details;
}

/** Everything in the order of time. */
function fillTranscript() {
  const gaps = DATA.gaps.filter(([from, to, cause]) => cause !== "starved" || to - from >= SHORTEST_GAP_MS);
  const items = [
    ...DATA.notes.map((note) => [note.at ?? 0, 0, noteElement(note)]),
    ...gaps.map((gap) => [gap[0], 1, gapElement(gap)]),
    ...TURNS.map((turn) => [placeOf(turn), 2, turnElement(turn)]),
  ];
  items.sort((a, b) => a[0] - b[0] || a[1] - b[1]); // which keeps the order of equals
  byId("transcript").append(...items.map((item) => item[2]));
  if (!TURNS.length) byId("transcript").append(make("p", "", "The log has no utterances."));
}

/** Puts each timed word of a turn into an element of its own. */
function splitWords(turn) {
  if (turn.spans || !turn.words) return;
  turn.spans = [];
  const said = turn.element.querySelector(".said");
  const node = said.firstChild;
  if (node?.nodeType !== Node.TEXT_NODE) return;
  const text = node.data, parts = [];
  let at = 0;
  for (const [word, offset, length, isSpread] of turn.words) {
    const found = text.indexOf(word, at);
    if (found < 0) continue;
    const span = make("span", "word", word);
    span.title = `${clock(turn.start + offset, 2)}${isSpread ? ", about" : ""}`;
    turn.spans.push({span, start: turn.start + offset, end: turn.start + offset + length});
    parts.push(text.slice(at, found), span);
    at = found + word.length;
  }
  node.replaceWith(...parts, text.slice(at));
  paintMatches(); // which lost theirs with the text that was here
}

/** The number of the last item that starts at `ms` or before; -1 where none does. */
function lastBefore(items, ms) {
  let low = 0, high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].start <= ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Those who speak at a time: few, and begun not longer ago than the longest turn. */
function turnsAt(ms) {
  const found = [];
  for (let index = lastBefore(PLACED, ms); index >= 0 && PLACED[index].start >= ms - LONGEST_MS; index--) {
    if (PLACED[index].end > ms) found.push(PLACED[index]);
  }
  return found;
}
const LONGEST_MS = PLACED.reduce((longest, turn) => Math.max(longest, turn.end - turn.start), 0);

function showWord(turn, ms) {
  const at = lastBefore(turn.spans, ms);
  const now = at >= 0 && ms < turn.spans[at].end ? at : -1;
  if (turn.shown === now && turn.past === at) return;
  turn.spans.forEach(({span}, index) => {
    span.classList.toggle("past", index < at || (index === at && now < 0));
    span.classList.toggle("now", index === now);
  });
  [turn.shown, turn.past] = [now, at];
}

function showCurrent(ms) {
  const found = new Set(turnsAt(ms));
  for (const turn of current) {
    if (found.has(turn)) continue;
    turn.element.classList.remove("current");
    turn.element.removeAttribute("aria-current");
    for (const {span} of turn.spans ?? []) span.classList.remove("past", "now");
    turn.shown = turn.past = undefined;
  }
  for (const turn of found) {
    if (!current.has(turn)) {
      turn.element.classList.add("current");
      turn.element.setAttribute("aria-current", "true");
      splitWords(turn);
      if (follows) scrollToElement(turn.element);
    }
    if (turn.spans) showWord(turn, ms);
  }
  current = found;
}

/** Brings an element into view; what was never laid out has a guessed height, so after a jump it looks again. */
function scrollToElement(element, tries = 3) {
  const box = element.getBoundingClientRect(), top = byId("stage").getBoundingClientRect().bottom;
  if (box.top >= top && box.bottom <= innerHeight - 60) return;
  const isSmooth = !audio.paused && Math.abs(box.top) < 2 * innerHeight && !matchMedia("(prefers-reduced-motion: reduce)").matches;
  const to = scrollY + box.top - top - Math.max(20, (innerHeight - top) * 0.2);
  scrollTo({top: Math.max(0, to), behavior: isSmooth ? "smooth" : "instant"});
  if (!isSmooth && tries) requestAnimationFrame(() => scrollToElement(element, tries - 1));
}

function setFollow(wanted) {
  follows = wanted;
  byId("follow").setAttribute("aria-pressed", String(follows));
  const [turn] = current;
  if (follows && turn) scrollToElement(turn.element);
}

/** The turn before or behind the place, by which a key goes. */
function step(direction) {
  const at = lastBefore(PLACED, position() + (direction > 0 ? 1 : -1500));
  const to = direction > 0 ? PLACED[at + 1] : PLACED[Math.max(at, 0)];
  if (to) seek(to.start);
}

function clipText([from, to]) {
  const said = PLACED.filter((turn) => turn.start < to && turn.end > from);
  return said.map((turn) => `${turn.speaker} (${clock(turn.start)}): ${turn.heard ?? turn.text}`).join("\n");
}

function startTranscript() {
  fillTranscript();
  watchers.push(showCurrent);
  byId("transcript").addEventListener("pointerover", ({target}) => {
    const turn = target.closest(".turn")?.turn;
    if (turn?.start !== undefined && target.closest(".said")) splitWords(turn);
  });
  byId("transcript").addEventListener("click", ({target}) => {
    const turn = target.closest(".turn")?.turn;
    if (!target.closest(".said") || turn?.start === undefined || !getSelection().isCollapsed) return;
    const word = turn.spans?.find(({span}) => span === target);
    seek(word ? word.start : turn.start);
  });
  byId("follow").addEventListener("click", () => setFollow(!follows));
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("clip-quote").addEventListener("click", () => clip && copy(clipText(clip), "Text"));
  for (const name of ["wheel", "touchmove"]) {
    document.querySelector("main").addEventListener(name, () => follows && !audio.paused && setFollow(false), {passive: true});
  }
}
