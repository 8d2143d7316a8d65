// Beside the transcript: what was found, chapters, what the marks mean; and the start of it all.

const SEVERITIES = table({
  error: "Sound is gone, or cannot be trusted",
  warning: "Something had to be mended, or is probably wrong",
  info: "Good to know",
});
const MOST_FINDINGS = 50; // shown at once; chosen: a recorder in trouble makes thousands

const REDACTED = table({redacted: ["warn", "redacted", "Something was taken out of sound and text"]});

function fillHead() {
  byId("session").textContent = DATA.session;
  const speakers = [...new Map(DATA.turns.map((turn) => [turn.speaker, turn.role]))].slice(0, 6);
  const facts = [
    chip(STATES, DATA.status),
    ...(DATA.redacted ? [chip(REDACTED, "redacted")] : []),
    ...(DATA.captions_status ? [chip(CAPTION_STATES, DATA.captions_status)] : []),
    ...(speakers.length ? [speakers.map(([name, role]) => (DATA.synthetic.includes(role) ? `${name} (synthetic voice)` : name)).join(", ")] : []),
    counted(TURNS.length, "utterance"),
    `${PLACED.length === TURNS.length ? "all" : PLACED.length} found in the sound`,
    lengthOf(LENGTH),
  ];
  byId("facts").append(...facts.filter((_, index) => TURNS.length || index !== facts.length - 2).map((fact) => make("li", "", fact)));
}

function section(title, count, ...children) {
  const heading = make("h2", "", title, " ");
  if (count !== null) heading.append(make("span", "count", String(count)));
  return make("section", "", heading, ...children);
}

function findingElement(finding) {
  const item = make("li", `finding ${finding.severity}`);
  if (finding.at !== undefined) item.append(button("link", clock(finding.at), () => seek(finding.at)), " ");
  item.append(make("span", "unseen", `${finding.severity}: `), finding.message, " ", make("span", "code", finding.code));
  item.title = SEVERITIES[finding.severity] ?? "";
  const rows = [["Cause", finding.cause], ["What was done", finding.done], ["What to do", finding.todo ?? finding.hint]];
  const known = rows.filter(([, text]) => text);
  if (known.length) {
    const list = known.flatMap(([title, text]) => [make("dt", "", title), make("dd", "", text[0].toUpperCase() + text.slice(1))]);
    item.append(make("details", "", make("summary", "", "What it means"), make("dl", "", ...list)));
  }
  return item;
}

function findingList(findings) {
  if (!findings.length) return [make("p", "", "Nothing had to be mended.")];
  const list = make("ul", "", ...findings.slice(0, MOST_FINDINGS).map(findingElement));
  const rest = findings.slice(MOST_FINDINGS);
  if (!rest.length) return [list];
  const more = button("", `Show ${rest.length.toLocaleString("en")} more`, () => {
    list.append(...rest.map(findingElement));
    more.remove();
  });
  return [list, more];
}

/** What lies beside the page, where it does. */
function files() {
  if (byId("sound") || hashParams().has("audio")) return [];
  const items = DATA.files.map((name) => {
    const link = make("a", "", name);
    link.href = name;
    link.download = `${DATA.session}-${name}`;
    return make("li", "", link);
  });
  return items.length ? [section("Files", null, make("ul", "files", ...items))] : [];
}

function chapters() {
  const found = DATA.notes.filter((note) => note.kind === "instructions" && note.at !== null);
  if (!found.length) return [];
  const items = found.map((note) => {
    const text = make("span", "", note.text ?? "");
    text.title = (note.text ?? "").slice(0, 400);
    return make("li", "", button("link", clock(note.at, 0), () => { seek(note.at); scrollToElement(note.element); }), text);
  });
  return [section("Chapters", found.length, make("ol", "chapters", ...items))];
}

function legend() {
  const names = new Map();
  for (const turn of DATA.turns) {
    const kind = roleClass(turn.role);
    if (!names.has(kind)) names.set(kind, new Set());
    names.get(kind).add(turn.speaker);
  }
  const ofWaves = (kind, term, meaning) => [make("dt", `of-waves ${kind}`, term), make("dd", "of-waves", meaning)];
  const rows = [...names].map(([kind, some]) => ofWaves(kind, [...some].slice(0, 3).join(", "), laneName(kind)));
  const has = (test) => DATA.turns.some(test);
  if (has((turn) => turn.start !== undefined && turn.sure < SURE && turn.sure >= UNSURE)) {
    rows.push([make("dt", "", make("span", "mid", "dotted")), make("dd", "", "its place is less than 80 % sure")]);
  }
  if (has((turn) => turn.start !== undefined && turn.sure < UNSURE)) {
    rows.push([make("dt", "", make("span", "low", "shaded")), make("dd", "", "its place is less than 50 % sure")]);
  }
  if (has((turn) => turn.heard !== undefined && turn.heard !== turn.text)) {
    rows.push([make("dt", "", make("s", "unheard", "struck")), make("dd", "", "meant to be said, and not heard")]);
  }
  if (DATA.gaps.length) rows.push(ofWaves("", "hatched", "silence that was filled in; red where sound is lost"));
  if (DATA.without_text.length) rows.push(ofWaves("", "underlined", "speech that the log has no text for"));
  const list = make("dl", "legend", ...rows.flat());
  const found = section("Legend", null, list);
  found.classList.toggle("of-waves-alone", !list.querySelector("dt:not(.of-waves)"));
  return found;
}

function laneName(kind) {
  if (LANES === 1) return "on the one channel";
  return laneOf(kind === "other" ? "" : kind) ? "lower lane" : "upper lane";
}

function fillSide() {
  const order = ["error", "warning", "info"];
  const findings = [...DATA.findings].sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  byId("side").append(section("Findings", findings.length, ...findingList(findings)), ...chapters(), ...figures(), legend(), ...files());
  const recorders = [...new Set(DATA.recorders)].filter(Boolean).join(", ");
  const made = `${counted(DATA.chunks, "chunk")} in ${counted(DATA.recorders.length, "part")}`;
  byId("foot").append(`${made}${recorders ? `, recorded by ${recorders}` : ""}. Made by ${DATA.program}.`);
}

function startAll() {
  themed(() => { readColours(); notify(); });
  readColours();
  fillHead();
  startTranscript();
  fillSide();
  watchers.push(showWaves);
  for (const canvas of [byId("detail"), byId("overview")]) {
    startHands(canvas);
    startWheel(canvas);
  }
  byId("overview").setAttribute("aria-valuemax", Math.round(LENGTH / 1000));
  byId("zoom-in").addEventListener("click", () => zoom(-1));
  byId("zoom-out").addEventListener("click", () => zoom(1));
  byId("print").addEventListener("click", () => print());
  startKeys();
  startSearch();
  new ResizeObserver(() => notify()).observe(byId("waves"));
  new ResizeObserver(() => document.documentElement.style.setProperty("--stage", `${byId("stage").offsetHeight}px`)).observe(byId("stage"));
  startPlayer();
  followHash();
  notify();
}

startAll();
