import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  { rules: { eqeqeq: "error", "no-var": "error", "prefer-const": "error", "no-unused-vars": ["error", { argsIgnorePattern: "^_" }] } },
  { files: ["**/*.js"], ignores: ["*.config.js", "demo/vad.js", "test/**"], languageOptions: { globals: globals.browser } },
  { files: ["demo/vad.js"], languageOptions: { globals: globals.audioWorklet } },
  { files: ["server.mjs", "*.config.js", "test/**"], languageOptions: { globals: globals.node } },
];
