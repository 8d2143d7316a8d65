// The player: what plays, from where to where, and everybody who wants to know.

const audio = byId("audio");
const LENGTH = Math.max(1, DATA.duration_ms);
const watchers = [];
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5];
let clip = null; // [from, to] in ms
let stopAt = null;
let wanted = null; // where a seek goes that the browser has not done yet

/** The bytes that a text in base64 means. */
function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** The place in the audio, in ms. */
const position = () => wanted ?? audio.currentTime * 1000;

/** What follows `#`: t=FROM,TO in seconds, and audio=URL of a page whose audio has an address of its own. */
const hashParams = () => new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B"));

/** Where the audio is: in the page, at an address of the page's own origin, or beside the page. */
function audioSource() {
  const inside = byId("sound");
  if (inside) {
    inside.remove();
    return URL.createObjectURL(new Blob([bytesOf(inside.textContent)]));
  }
  const named = hashParams().get("audio");
  if (named) {
    const url = new URL(named, location.href);
    if (url.protocol.startsWith("http") && url.origin === location.origin) return url.href;
  }
  return DATA.audio;
}

function seek(ms, keepsClip = false) {
  const to = Math.min(Math.max(0, ms), LENGTH);
  if (!keepsClip) stopAt = null;
  if (audio.readyState === 0) wanted = to;
  else audio.currentTime = to / 1000;
  notify(to);
}

function notify(ms = position()) {
  for (const watcher of watchers) watcher(ms);
}

async function play() {
  try {
    await audio.play();
  } catch (error) {
    if (error.name !== "AbortError") trouble();
  }
}

const toggle = () => (audio.paused ? play() : audio.pause());

function trouble() {
  const named = hashParams().has("audio");
  byId("trouble").textContent = named
    ? "The sound cannot be loaded: the link may have expired. Ask for a new one; the text below stays."
    : `The sound cannot be loaded: ${DATA.audio} should be beside this page. The text below stays.`;
  byId("trouble").hidden = false;
}

/** Once a frame while it plays. */
function frame() {
  const at = position();
  if (stopAt !== null && at >= stopAt) {
    audio.pause();
    stopAt = null;
  }
  notify(at);
  if (!audio.paused) requestAnimationFrame(frame);
}

function setClip(from, to) {
  clip = to - from < 100 ? null : [Math.max(0, from), Math.min(to, LENGTH)];
  byId("clip").hidden = !clip;
  byId("clip-hint").hidden = Boolean(clip);
  if (clip) byId("clip-times").textContent = `${clock(clip[0])} – ${clock(clip[1])}`;
  notify();
}

function playClip() {
  if (!clip) return;
  seek(clip[0]);
  stopAt = clip[1];
  play();
}

/** A link to this page and to the clip, or to where the player is. */
function linkTo([from, to]) {
  const named = hashParams().get("audio");
  const seconds = (ms) => String(Math.round(ms / 100) / 10);
  const times = to === undefined ? seconds(from) : `${seconds(from)},${seconds(to)}`;
  return `${location.href.split("#")[0]}#t=${times}${named ? `&audio=${encodeURIComponent(named)}` : ""}`;
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", "unseen", text);
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  byId("live").textContent = `${what} copied`;
}

function copyLink() {
  const link = linkTo(clip ?? [position()]);
  history.replaceState(null, "", link);
  copy(link, "Link");
}

/** Goes to where the address says. */
function followHash() {
  const [from, to] = (hashParams().get("t") ?? "").split(",").map((one) => Number.parseFloat(one) * 1000);
  if (!Number.isFinite(from)) return;
  seek(from);
  if (Number.isFinite(to) && to > from) {
    setClip(from, to);
    stopAt = Math.min(to, LENGTH);
  }
}

function startPlayer() {
  audio.addEventListener("loadedmetadata", () => {
    if (wanted !== null) audio.currentTime = wanted / 1000;
    wanted = null;
  });
  audio.addEventListener("error", trouble);
  audio.addEventListener("play", () => requestAnimationFrame(frame));
  for (const name of ["play", "pause", "ended"]) {
    audio.addEventListener(name, () => {
      document.documentElement.classList.toggle("playing", !audio.paused);
      byId("play").setAttribute("aria-label", audio.paused ? "Play" : "Pause");
      notify();
    });
  }
  audio.addEventListener("seeked", () => notify());
  byId("play").addEventListener("click", toggle);
  for (const speed of SPEEDS) byId("speed").append(new Option(`${speed}×`, speed, speed === 1, speed === 1));
  byId("speed").addEventListener("change", () => { audio.playbackRate = Number(byId("speed").value); });
  byId("volume").addEventListener("input", () => { audio.volume = Number(byId("volume").value); });
  byId("clip-play").addEventListener("click", playClip);
  byId("clip-copy").addEventListener("click", copyLink);
  byId("clip-clear").addEventListener("click", () => setClip(0, 0));
  byId("length").textContent = `/ ${clock(LENGTH)}`;
  watchers.push((ms) => { byId("now").textContent = clock(ms); });
  audio.src = audioSource();
  addEventListener("hashchange", followHash);
}

function changeSpeed(steps) {
  const at = SPEEDS.indexOf(audio.playbackRate) + steps;
  audio.playbackRate = SPEEDS[Math.min(Math.max(at, 0), SPEEDS.length - 1)];
  byId("speed").value = audio.playbackRate;
}
