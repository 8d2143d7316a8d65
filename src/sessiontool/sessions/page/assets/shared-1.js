"use strict";
// What all pages share.  Text from the data becomes text nodes and nothing else: no markup is ever made of it.

const DATA = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

/** An element with a class and children; a text becomes a text node. */
function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

function button(className, label, action) {
  const element = make("button", className, label);
  element.type = "button";
  element.addEventListener("click", action);
  return element;
}

/** Milliseconds as h:mm:ss and tenths, without the hours where there are none. */
function clock(ms, digits = 1) {
  const unit = 10 ** (3 - digits);
  const whole = Math.round(Math.max(0, ms) / unit) * unit;
  const seconds = ((whole % 60000) / 1000).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  const minutes = Math.floor(whole / 60000) % 60;
  const hours = Math.floor(whole / 3600000);
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

/** A length in words. */
function lengthOf(ms) {
  if (ms < 60000) return `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`;
  return clock(ms, 0);
}

/** A table by names from outside: what is not in it is undefined, whatever the name. */
const table = (entries) => Object.assign(Object.create(null), entries);

const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

const STATES = table({
  complete: ["good", "complete", "Everything that was recorded is there"],
  repaired: ["warn", "repaired", "Something had to be mended; no recorded sound is lost"],
  partial: ["bad", "partial", "Recorded sound is gone; silence is in its place"],
});
const CAPTION_STATES = table({
  complete: ["good", "captions complete", "The log was understood, and found in the sound"],
  doubtful: ["warn", "captions doubtful", "The log was not understood, or not whole, or not found in the sound"],
  none: ["", "no captions", "No utterance has a place in the sound"],
});

function chip(states, state) {
  const [kind, label, meaning] = states[state] ?? ["", state, ""];
  const element = make("span", `chip ${kind}`, label);
  element.title = meaning;
  return element;
}

/** Light, dark, or as the system has it; kept where the browser keeps things for this page. */
function themed(changed) {
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  try {
    const kept = localStorage.getItem("sessiontool-theme");
    if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  } catch { /* a page from a file may keep nothing */ }
  byId("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("sessiontool-theme", root.dataset.theme); } catch { /* as above */ }
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}
