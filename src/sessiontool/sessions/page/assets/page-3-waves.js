// The waveform: all of it in a strip, and a window of it with who speaks, what is lost and what was found.

const PEAKS = DATA.peaks ? {...DATA.peaks, levels: bytesOf(DATA.peaks.base64)} : null;
const LANES = Math.max(1, PEAKS?.channels ?? DATA.lanes.length);
const LOUDEST = loudest();
const SPANS_MS = [10, 20, 30, 60, 120, 300, 600, 1800, 3600, 10800].map((one) => one * 1000);
const TICKS_MS = [500, 1000, 2000, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000];
const RULER = 18, LABEL = 17; // pixels of height: of the ruler, and of the text above each lane
const COLOURS = ["paper", "raised", "line", "ink", "soft", "faint", "accent", "user", "assistant", "other", "warn", "bad"];
let view = {from: 0, span: Math.min(LENGTH, 60000)};
const colours = {};
const pictures = new Map(); // what of a canvas stays as it is while the playhead moves

/** The level that fills a lane: nearly the highest, for one click must not make all speech small. */
function loudest() {
  if (!PEAKS) return 1;
  const counts = new Uint32Array(129);
  for (const level of PEAKS.levels) counts[level]++;
  let rest = PEAKS.levels.length * 0.001;
  for (let level = 128; level > 8; level--) if ((rest -= counts[level]) < 0) return level;
  return 8;
}

function laneOf(role) {
  const found = DATA.lanes.findIndex((roles) => roles.includes(role));
  return found >= 0 ? Math.min(found, LANES - 1) : LANES === 2 && role === "assistant" ? 1 : 0;
}

/** The colours of the style sheet as they are now, for canvases know no variables. */
function readColours() {
  const probe = make("span");
  document.body.append(probe);
  for (const name of COLOURS) {
    probe.style.color = `var(--${name})`;
    colours[name] = getComputedStyle(probe).color;
  }
  probe.remove();
}

/** The highest level of a lane between two times. */
function levelOf(lane, from, to) {
  const first = Math.max(0, Math.floor((from * PEAKS.per_s) / 1000));
  const last = Math.max(first + 1, Math.ceil((to * PEAKS.per_s) / 1000));
  let highest = 0;
  for (let at = first * PEAKS.channels + lane; at < last * PEAKS.channels && at < PEAKS.levels.length; at += PEAKS.channels) {
    if (PEAKS.levels[at] > highest) highest = PEAKS.levels[at];
  }
  return Math.min(1, highest / LOUDEST) ** 0.75;
}

function sized(canvas) {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  return {width, height, ratio};
}

/** Draws what stays, if it is another than before, and the playhead over it. */
function draw(canvas, key, paint, scale, ms) {
  const {width, height, ratio} = sized(canvas);
  if (!width) return;
  let picture = pictures.get(canvas);
  const id = `${key} ${width} ${height} ${ratio} ${colours.paper}`;
  if (picture?.id !== id) {
    const still = document.createElement("canvas");
    [still.width, still.height] = [canvas.width, canvas.height];
    const context = still.getContext("2d");
    context.scale(ratio, ratio);
    paint(context, width, height, scale);
    picture = {id, still};
    pictures.set(canvas, picture);
  }
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture.still, 0, 0);
  context.scale(ratio, ratio);
  if (clip) {
    context.fillStyle = colours.accent;
    context.globalAlpha = 0.15;
    context.fillRect(scale.x(clip[0]), 0, scale.x(clip[1]) - scale.x(clip[0]), height);
    context.globalAlpha = 1;
    for (const at of clip) context.fillRect(scale.x(at) - 0.5, 0, 1, height);
  }
  context.fillStyle = colours.ink;
  context.fillRect(scale.x(ms) - 0.75, 0, 1.5, height);
}

const scaleOf = (from, span, width) => ({from, span, x: (ms) => ((ms - from) / span) * width, ms: (x) => from + (x / width) * span});

/** The lanes: sound in the colour of the one who speaks, grey where no utterance is; `head` is left free above each. */
function paintLanes(context, width, height, scale, gap, head = 0) {
  const laneHeight = (height - gap * (LANES - 1)) / LANES - head;
  for (let lane = 0; lane < LANES; lane++) {
    const top = lane * (laneHeight + head + gap) + head, middle = top + laneHeight / 2;
    const owners = new Array(Math.ceil(width)).fill("faint");
    for (const turn of PLACED) {
      if (turn.end < scale.from || turn.start > scale.from + scale.span || laneOf(turn.role) !== lane) continue;
      owners.fill(roleClass(turn.role), Math.max(0, Math.floor(scale.x(turn.start))), Math.max(0, Math.ceil(scale.x(turn.end))));
    }
    for (let x = 0; x < width; x++) {
      const level = PEAKS ? levelOf(lane, scale.ms(x), scale.ms(x + 1)) : owners[x] === "faint" ? 0 : 0.5;
      const reach = Math.max(0.5, (level * laneHeight) / 2);
      context.fillStyle = colours[owners[x]];
      context.fillRect(x, middle - reach, 1, 2 * reach);
    }
  }
}

function paintGaps(context, height, scale) {
  for (const [start, end, cause] of DATA.gaps) {
    const x = scale.x(start), wide = Math.max(1, scale.x(end) - x);
    if (x > context.canvas.width || x + wide < 0) continue;
    context.fillStyle = cause === "lost" ? colours.bad : colours.soft;
    context.globalAlpha = cause === "lost" ? 0.28 : 0.13;
    context.fillRect(x, 0, wide, height);
    context.globalAlpha = 1;
    if (wide > 6) hatch(context, x, wide, height);
  }
}

function hatch(context, x, wide, height) {
  context.save();
  context.beginPath();
  context.rect(x, 0, wide, height);
  context.clip();
  context.strokeStyle = context.fillStyle;
  context.globalAlpha = 0.45;
  context.beginPath();
  for (let at = Math.max(x, 0) - height; at < Math.min(x + wide, context.canvas.width); at += 7) {
    context.moveTo(at, height);
    context.lineTo(at + height, 0);
  }
  context.stroke();
  context.restore();
}

/** A mark for each finding that has a place. */
function paintMarks(context, scale, size) {
  for (const finding of DATA.findings) {
    if (finding.at === undefined || finding.severity === "info") continue;
    const x = scale.x(finding.at);
    context.fillStyle = finding.severity === "error" ? colours.bad : colours.warn;
    context.beginPath();
    context.moveTo(x - size, 0);
    context.lineTo(x + size, 0);
    context.lineTo(x, size * 1.5);
    context.fill();
  }
}

function paintOverview(context, width, height, scale) {
  paintLanes(context, width, height, scale, 2);
  paintGaps(context, height, scale);
  paintMarks(context, scale, 4);
}

function paintDetail(context, width, height, scale) {
  const tall = height - RULER, gap = 6, laneHeight = (tall - gap * (LANES - 1)) / LANES;
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "top";
  paintRuler(context, width, tall, scale);
  for (const turn of PLACED) {
    if (turn.end < scale.from || turn.start > scale.from + scale.span) continue;
    paintTurn(context, turn, scale, laneOf(turn.role) * (laneHeight + gap), laneHeight);
  }
  paintLanes(context, width, tall, scale, gap, LABEL);
  paintWithoutText(context, scale, gap, laneHeight);
  paintGaps(context, tall, scale);
  for (const turn of PLACED) {
    if (turn.end < scale.from || turn.start > scale.from + scale.span) continue;
    paintLabel(context, turn, scale, laneOf(turn.role) * (laneHeight + gap));
  }
  paintMarks(context, scale, 5);
}

function paintRuler(context, width, tall, scale) {
  const tick = TICKS_MS.find((one) => (one / scale.span) * width >= 70) ?? 7200000;
  for (let at = Math.ceil(scale.from / tick) * tick; at <= scale.from + scale.span; at += tick) {
    const x = scale.x(at);
    context.fillStyle = colours.line;
    context.fillRect(x, 0, 1, tall + 4);
    context.fillStyle = colours.soft;
    context.fillText(clock(at, tick < 1000 ? 1 : 0), x + 3, tall + 4);
  }
}

function paintTurn(context, turn, scale, top, tall) {
  const x = scale.x(turn.start), wide = Math.max(1, scale.x(turn.end) - x);
  context.fillStyle = colours[roleClass(turn.role)];
  context.globalAlpha = 0.05 + 0.11 * turn.sure;
  context.beginPath();
  context.roundRect(x, top, wide, tall, 4);
  context.fill();
  context.globalAlpha = 1;
  if (turn.sure >= SURE) return;
  context.strokeStyle = colours.warn;
  context.setLineDash([3, 3]);
  context.stroke();
  context.setLineDash([]);
}

/** As much of a turn's text as there is room for, above its sound. */
function paintLabel(context, turn, scale, top) {
  const x = Math.max(scale.x(turn.start), 0) + 5, room = scale.x(turn.end) - x - 4;
  if (room < 30) return;
  let text = turn.text.slice(0, 160).replaceAll(/\s+/g, " ");
  if (context.measureText(text).width > room) {
    while (text && context.measureText(`${text}…`).width > room) text = text.slice(0, -Math.ceil(text.length / 12));
    if (text.length < 3) return;
    text += "…";
  }
  context.fillStyle = colours.ink;
  context.fillText(text, x, top + 4);
}

/** A line under speech that no utterance has. */
function paintWithoutText(context, scale, gap, laneHeight) {
  context.fillStyle = colours.warn;
  for (const [lane, start, end] of DATA.without_text) {
    if (lane >= LANES) continue;
    context.fillRect(scale.x(start), lane * (laneHeight + gap) + laneHeight - 3, Math.max(2, scale.x(end) - scale.x(start)), 3);
  }
}

function showWaves(ms) {
  const isOutside = ms < view.from || ms > view.from + view.span * (audio.paused ? 1 : 0.95);
  if (isOutside && !dragging) view.from = ms - view.span * (audio.paused ? 0.3 : 0.05);
  view.from = Math.min(Math.max(0, view.from), Math.max(0, LENGTH - view.span));
  const detail = byId("detail"), overview = byId("overview");
  draw(detail, `${view.from} ${view.span}`, paintDetail, scaleOf(view.from, view.span, detail.clientWidth), ms);
  draw(overview, "whole", paintOverview, scaleOf(0, LENGTH, overview.clientWidth), ms);
  const scale = scaleOf(0, LENGTH, overview.clientWidth), context = overview.getContext("2d");
  context.strokeStyle = colours.soft;
  context.strokeRect(scale.x(view.from) + 0.5, 0.5, Math.max(3, scale.x(view.from + view.span) - scale.x(view.from) - 1), overview.clientHeight - 1);
  overview.setAttribute("aria-valuenow", Math.round(ms / 1000));
  overview.setAttribute("aria-valuetext", `${clock(ms, 0)} of ${clock(LENGTH, 0)}`);
}
