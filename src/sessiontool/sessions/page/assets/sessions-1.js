// All sessions of a store in a table, sorted and filtered.

const MORE = 500; // rows shown at once; chosen: so many are there at once
const ORDER = ["unreadable", "partial", "repaired", "complete", "not merged"]; // of states: what needs a look first
const INDEX_STATES = table({
  ...STATES,
  "not merged": ["", "not merged", "Nothing was published of it yet"],
  unreadable: ["bad", "unreadable", "Its result cannot be read"],
});
const SHORT_CAPTIONS = table(Object.fromEntries(Object.entries(CAPTION_STATES).map(([name, [kind, , meaning]]) => [name, [kind, name, meaning]])));
const COLUMNS = [
  {name: "Session", value: (row) => row.id, cell: sessionCell},
  {name: "State", value: (row) => ORDER.indexOf(row.state), cell: (row) => chip(INDEX_STATES, row.state)},
  {name: "Captions", value: (row) => row.captions ?? "", cell: (row) => (row.captions ? chip(SHORT_CAPTIONS, row.captions) : "")},
  {name: "Length", number: true, value: (row) => row.duration_ms, cell: (row) => clock(row.duration_ms, 0)},
  {name: "Utterances", number: true, value: (row) => row.utterances, cell: (row) => row.utterances.toLocaleString("en")},
  {name: "Lost", number: true, value: (row) => row.lost_ms, cell: (row) => flagged(row.lost_ms, lengthOf(row.lost_ms), "error")},
  {name: "Errors", number: true, value: (row) => row.errors, cell: (row) => flagged(row.errors, String(row.errors), "error")},
  {name: "Warnings", number: true, value: (row) => row.warnings, cell: (row) => flagged(row.warnings, String(row.warnings), "warning")},
  {name: "Parts", number: true, value: (row) => row.parts, cell: (row) => String(row.parts)},
];
const byName = new Intl.Collator("en", {numeric: true});
let sorted = {column: COLUMNS[0], isDown: false};
let state = "";
let shown = MORE;

function sessionCell(row) {
  if (!row.page) return make("span", "", row.id, ...(row.why ? [make("div", "why", row.why)] : []));
  const link = make("a", "", row.id);
  link.href = row.page;
  return link;
}

const flagged = (value, text, kind) => (value ? make("span", kind, text) : make("span", "none", "0"));

function compare(a, b) {
  const [one, other] = [sorted.column.value(a), sorted.column.value(b)];
  if (one === undefined || other === undefined) return (one === undefined) - (other === undefined); // always at the end
  const order = typeof one === "string" ? byName.compare(one, other) : one - other;
  return (sorted.isDown ? -order : order) || byName.compare(a.id, b.id);
}

function chosenRows() {
  const wanted = byId("filter").value.trim().toLocaleLowerCase();
  const found = DATA.sessions.filter((row) => (!state || row.state === state) && row.id.toLocaleLowerCase().includes(wanted));
  return found.sort(compare);
}

function rowElement(row) {
  const isMerged = row.duration_ms !== undefined;
  const cells = COLUMNS.map((column, index) => make("td", column.number ? "number" : "", ...(isMerged || index < 2 ? [column.cell(row)] : [])));
  return make("tr", "", ...cells);
}

function show() {
  const rows = chosenRows();
  byId("rows").replaceChildren(...rows.slice(0, shown).map(rowElement));
  byId("count").textContent = rows.length === DATA.sessions.length ? "" : `${rows.length.toLocaleString("en")} of ${DATA.sessions.length.toLocaleString("en")}`;
  byId("more").hidden = rows.length <= shown;
  for (const head of byId("heads").children) {
    if (head.column === sorted.column) head.setAttribute("aria-sort", sorted.isDown ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
}

function fillHeads() {
  for (const column of COLUMNS) {
    const sort = button("", column.name, () => {
      sorted = {column, isDown: sorted.column === column ? !sorted.isDown : Boolean(column.number)};
      show();
    });
    const head = make("th", column.number ? "number" : "", sort);
    head.scope = "col";
    head.column = column;
    byId("heads").append(head);
  }
}

function fillStates() {
  const counts = new Map();
  for (const row of DATA.sessions) counts.set(row.state, (counts.get(row.state) ?? 0) + 1);
  for (const name of ORDER.filter((one) => counts.has(one))) {
    const choose = button("", `${name} ${counts.get(name).toLocaleString("en")}`, () => {
      state = state === name ? "" : name;
      for (const one of byId("states").children) one.setAttribute("aria-pressed", String(one.state === state));
      show();
    });
    choose.state = name;
    choose.setAttribute("aria-pressed", "false");
    byId("states").append(choose);
  }
}

function startIndex() {
  themed(() => {});
  const total = DATA.sessions.reduce((sum, row) => sum + (row.duration_ms ?? 0), 0);
  byId("facts").append(make("li", "", counted(DATA.sessions.length, "session")), make("li", "", `${lengthOf(total)} of sound`));
  fillHeads();
  fillStates();
  byId("filter").addEventListener("input", () => { shown = MORE; show(); });
  byId("more").addEventListener("click", () => { shown += MORE; show(); });
  byId("foot").textContent = `Made by ${DATA.program}.`;
  show();
}

startIndex();
