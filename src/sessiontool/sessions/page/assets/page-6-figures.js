// The figures of the conversation: a row each, a column for each role; those with places in the sound lead there.

const UNITS = table({
  s: (value) => (value ? lengthOf(value * 1000) : "0 s"),
  ratio: (value) => `${Math.round(value * 100)} %`,
  count: (value) => value.toLocaleString("en"),
  "1/min": (value) => value.toFixed(1),
});

const shownFigure = ({value, unit}) => UNITS[unit]?.(value) ?? `${value} ${unit}`;

function figureCell(figure) {
  if (!figure) return make("td");
  if (figure.value === null) {
    const cell = make("td", "none", "–");
    cell.title = figure.why ?? "";
    return cell;
  }
  const cell = make("td", "", figure.stretches?.length ? stretchButton(figure) : shownFigure(figure));
  if (figure.error) cell.title = `± ${shownFigure({...figure, value: figure.error})}`;
  return cell;
}

/** Each click goes to the next of a figure's stretches, as a clip. */
function stretchButton(figure) {
  let at = -1;
  const go = button("link", shownFigure(figure), () => {
    at = (at + 1) % figure.stretches.length;
    const [from, to] = figure.stretches[at];
    seek(from);
    setClip(from, Math.max(to, from + 100));
    stopAt = clip?.[1] ?? null;
    byId("live").textContent = `${at + 1} of ${figure.stretches.length}`;
    go.title = byId("live").textContent;
  });
  go.title = counted(figure.stretches.length, "place");
  return go;
}

function figures() {
  if (!DATA.figures?.length) return [];
  const roles = [...new Set(DATA.figures.map((figure) => figure.role).filter((role) => role !== undefined))];
  const speakers = new Map(DATA.turns.map((turn) => [turn.role, turn.speaker]));
  const heads = roles.map((role) => make("th", `who ${roleClass(role)}`, speakers.get(role) ?? role));
  const rows = [...new Set(DATA.figures.map((figure) => figure.name))].map((name) => {
    const own = DATA.figures.filter((figure) => figure.name === name);
    const label = make("th", "", `${name[0].toUpperCase()}${name.slice(1).replaceAll("_", " ")}`);
    label.scope = "row";
    label.title = own[0].definition ?? "";
    const alone = own.find((figure) => figure.role === undefined);
    if (!alone) return make("tr", "", label, ...roles.map((role) => figureCell(own.find((figure) => figure.role === role))));
    const cell = figureCell(alone);
    cell.colSpan = roles.length;
    return make("tr", "", label, cell);
  });
  const head = make("thead", "", make("tr", "", make("td"), ...heads));
  return [section("Figures", null, make("table", "figures", head, make("tbody", "", ...rows)))];
}
