// Pointer and keys: on the waveform, in the search field, everywhere.

let dragging = null;

const WAVES = {
  detail: (canvas) => scaleOf(view.from, view.span, canvas.clientWidth),
  overview: (canvas) => scaleOf(0, LENGTH, canvas.clientWidth),
};

function timeAt(canvas, event) {
  const scale = WAVES[canvas.id](canvas);
  return Math.min(Math.max(0, scale.ms(event.clientX - canvas.getBoundingClientRect().left)), LENGTH);
}

/** A click goes there; a drag makes a clip. */
function startHands(canvas) {
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    dragging = {canvas, x: event.clientX, from: timeAt(canvas, event), isClip: false};
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    showTip(canvas, event);
    if (dragging?.canvas !== canvas) return;
    dragging.isClip ||= Math.abs(event.clientX - dragging.x) > 4;
    if (!dragging.isClip) return;
    const to = timeAt(canvas, event);
    setClip(Math.min(dragging.from, to), Math.max(dragging.from, to));
  });
  canvas.addEventListener("pointerup", () => {
    const drag = dragging;
    dragging = null;
    if (!drag || drag.canvas !== canvas) return;
    seek(drag.isClip && clip ? clip[0] : drag.from);
    if (drag.isClip && clip) stopAt = clip[1];
    if (drag.canvas.id === "overview") centre(drag.from);
  });
  canvas.addEventListener("pointercancel", () => { dragging = null; });
  canvas.addEventListener("pointerleave", () => { byId("tip").hidden = true; });
}

function centre(ms) {
  view.from = ms - view.span / 2;
  notify();
}

/** The time under the pointer, and what is there. */
function showTip(canvas, event) {
  const at = timeAt(canvas, event), near = (WAVES[canvas.id](canvas).span / canvas.clientWidth) * 5;
  const tip = byId("tip"), lines = [];
  for (const finding of DATA.findings) {
    if (finding.at !== undefined && Math.abs(finding.at - at) < near) lines.push(finding.message);
  }
  for (const [from, to, cause] of DATA.gaps) {
    if (at >= from - near / 5 && at < to + near / 5) lines.push(`${lengthOf(to - from)} ${CAUSES[cause] ?? "of silence"}`);
  }
  for (const [lane, from, to] of DATA.without_text) {
    if (lane < LANES && at >= from && at < to) lines.push("Speech without text");
  }
  for (const turn of turnsAt(at)) lines.push(`${turn.speaker}: ${turn.text.slice(0, 90)}${turn.text.length > 90 ? "…" : ""}`);
  tip.replaceChildren(make("b", "", clock(at)), ...[...new Set(lines)].slice(0, 4).map((line) => make("div", "", line)));
  tip.hidden = false;
  const room = byId("waves").clientWidth - tip.offsetWidth;
  tip.style.left = `${Math.min(Math.max(0, event.clientX - byId("waves").getBoundingClientRect().left + 12), room)}px`;
  tip.style.top = `${canvas.offsetTop + (canvas.id === "detail" ? 22 : -tip.offsetHeight - 4)}px`;
}

function zoom(direction, around = position()) {
  const spans = [...SPANS_MS.filter((one) => one < LENGTH), LENGTH];
  const at = spans.findIndex((one) => one >= view.span);
  const span = spans[Math.min(Math.max(0, at + direction), spans.length - 1)];
  const share = Math.min(Math.max((around - view.from) / view.span, 0), 1);
  view = {from: around - share * span, span};
  notify();
}

function startWheel(canvas) {
  canvas.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      zoom(event.deltaY > 0 ? 1 : -1, timeAt(canvas, event));
    } else if (event.deltaX || event.shiftKey) {
      event.preventDefault();
      view.from += ((event.deltaX || event.deltaY) / canvas.clientWidth) * view.span;
      notify();
    }
  }, {passive: false});
}

const KEYS = [
  [["Space", "k"], "Play or pause", toggle],
  [["ArrowLeft"], "5 seconds back", () => seek(position() - 5000)],
  [["ArrowRight"], "5 seconds on", () => seek(position() + 5000)],
  [["p"], "Previous utterance", () => step(-1)],
  [["n"], "Next utterance", () => step(1)],
  [["["], "Slower", () => changeSpeed(-1)],
  [["]"], "Faster", () => changeSpeed(1)],
  [["+", "="], "Show less time", () => zoom(-1)],
  [["-"], "Show more time", () => zoom(1)],
  [["f"], "Follow what is played, or not", () => setFollow(!follows)],
  [["c"], "Clip of the utterance; copy a link to it", clipHere],
  [["/"], "Search", () => byId("search").focus()],
  [["Escape"], "Remove the clip", () => setClip(0, 0)],
  [["?"], "These keys", () => byId("help").showModal()],
];
const SHOWN_KEYS = {ArrowLeft: "←", ArrowRight: "→", Escape: "Esc"};

function clipHere() {
  const turns = [...current];
  if (!clip && turns.length) setClip(Math.min(...turns.map((one) => one.start)), Math.max(...turns.map((one) => one.end)));
  copyLink();
}

function startKeys() {
  const rows = KEYS.flatMap(([keys, what]) => [
    make("dt", "", ...keys.filter((key) => key !== "=").flatMap((key) => [make("kbd", "", SHOWN_KEYS[key] ?? key), " "])),
    make("dd", "", what),
  ]);
  const title = make("h2", "", "Keys");
  title.id = "help-title";
  byId("help").append(title, make("dl", "", ...rows), button("", "Close", () => byId("help").close()));
  byId("help-button").addEventListener("click", () => byId("help").showModal());
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
    if (event.target.closest?.("input, select, textarea")) return;
    const isPress = event.code === "Space" || event.key === "Enter";
    if (isPress && event.target.closest?.("button, summary, a")) return;
    const found = KEYS.find(([keys]) => keys.includes(event.code) || keys.includes(event.key));
    if (!found) return;
    event.preventDefault();
    found[2]();
  });
}
