/**
 * Reward code in CodeMirror: terms tinted as in the member's curves, problems in the margin at their line, the change against
 * an older version line by line. Loaded when code is first looked at.
 */

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { HighlightStyle, indentUnit, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { python } from "@codemirror/legacy-modes/mode/python";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { unifiedMergeView } from "@codemirror/merge";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import {
  Decoration,
  EditorView,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  MatchDecorator,
  ViewPlugin,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** @import {Extension} from "@codemirror/state" */

/** @typedef {{line: number, column: number, rule: string, message: string}} Problem line from 1, column from 0 */

const THEME = EditorView.theme(
  {
    "&": { color: "var(--text)", backgroundColor: "var(--ink)", fontSize: "12px", height: "100%" },
    "&:focus-within, &.cm-focused": { outline: "2px solid var(--amber)", outlineOffset: "-2px" },
    ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", scrollbarWidth: "thin" },
    ".cm-content": { padding: "8px 0", caretColor: "var(--amber)" },
    ".cm-line": { padding: "0 12px 0 6px" },
    ".cm-gutters": { color: "#667384", backgroundColor: "var(--ink)", border: "0" },
    ".cm-activeLineGutter": { color: "var(--text)", backgroundColor: "transparent" },
    ".cm-cursor": { borderLeftColor: "var(--amber)" },
    "&.cm-focused .cm-selectionBackground, .cm-selectionBackground, ::selection": {
      backgroundColor: "#33404f !important",
    },
    ".cm-lint-marker": { width: "10px", height: "10px" },
    ".cm-lint-marker-error": {
      content: '""',
      borderRadius: "50%",
      backgroundColor: "var(--bad)",
      margin: "4px 0 0 2px",
    },
    ".cm-lintRange-error": {
      backgroundImage: "none",
      textDecoration: "underline wavy var(--bad)",
      textUnderlineOffset: "3px",
    },
    ".cm-tooltip": {
      maxWidth: "min(420px, calc(100vw - 32px))",
      border: "1px solid var(--line)",
      borderRadius: "6px",
      backgroundColor: "var(--raised)",
      color: "var(--text)",
    },
    ".cm-diagnostic": { fontFamily: "var(--sans)", borderLeft: "3px solid var(--bad)" },
    ".cm-changedLine": { backgroundColor: "rgb(107 214 139 / 9%) !important" },
    ".cm-deletedChunk": { backgroundColor: "rgb(255 107 107 / 9%)", paddingLeft: "6px" },
    ".cm-changedText": { background: "rgb(107 214 139 / 24%) !important" },
    ".cm-deletedText": { background: "rgb(255 107 107 / 26%) !important" },
    ".cm-collapsedLines": { color: "var(--muted)", background: "var(--surface)" },
  },
  { dark: true },
);

const COLOURS = HighlightStyle.define([
  { tag: tags.keyword, color: "#c9a7f5" },
  { tag: [tags.string, tags.special(tags.string)], color: "#a8cf9a" },
  { tag: tags.number, color: "#e0c58f" },
  { tag: tags.comment, color: "#8492a3", fontStyle: "italic" },
  { tag: [tags.definition(tags.variableName), tags.function(tags.variableName)], color: "#8fc7f0" },
]);

/** @param {string} text */
function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/**
 * Tint the names of terms, as words and as keys.
 * @param {{name: string, colour: string}[]} terms
 * @returns {Extension}
 */
function tinted(terms) {
  const known = new Map(terms.map(({ name, colour }) => [name, colour]));
  if (known.size === 0) return [];
  const names = [...known.keys()].sort((a, b) => b.length - a.length).map(escaped);
  const decorator = new MatchDecorator({
    regexp: new RegExp(`(?<![\\w.])(?:${names.join("|")})(?!\\w)`, "g"),
    decoration: ([name]) =>
      Decoration.mark({
        class: "term-name",
        attributes: { style: `--term: ${known.get(name) ?? "inherit"}` },
      }),
  });
  const plugin = ViewPlugin.define(
    (view) => ({
      decorations: decorator.createDeco(view),
      update(change) {
        this.decorations = decorator.updateDeco(change, this.decorations);
      },
    }),
    { decorations: ({ decorations }) => decorations },
  );
  // Innermost, so that a term's colour wins over that of the string it stands in.
  return Prec.lowest(plugin);
}

const LEAVING = "Tab indents. Escape, then Tab, leaves the code.";

export class CodeEditor {
  /**
   * @param {HTMLElement} place
   * @param {{label: string, onEdit: () => void}} options
   */
  constructor(place, { label, onEdit }) {
    this.terms = new Compartment();
    this.changes = new Compartment();
    this.past = new Compartment();
    this.quiet = false;
    this.view = new EditorView({
      parent: place,
      state: EditorState.create({
        extensions: [
          lineNumbers(),
          lintGutter(),
          this.past.of(history()),
          highlightActiveLineGutter(),
          indentUnit.of("    "),
          StreamLanguage.define(python),
          syntaxHighlighting(COLOURS),
          THEME,
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({
            "aria-label": label,
            "aria-description": LEAVING,
            spellcheck: "false",
          }),
          // Tab indents where one may write, Escape then Tab leaves: CodeMirror's own rule for keyboards.
          keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
          this.terms.of([]),
          this.changes.of([]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged && !this.quiet) onEdit();
          }),
        ],
      }),
    });
  }

  get text() {
    return this.view.state.doc.toString();
  }

  /**
   * Show another text; the person's undo does not go behind it.
   * @param {string} text
   */
  show(text) {
    if (text === this.text) return;
    this.quiet = true;
    const changes = { from: 0, to: this.view.state.doc.length, insert: text };
    // A history that is taken out and put in again has forgotten everything.
    this.view.dispatch({ changes, effects: this.past.reconfigure([]) });
    this.view.dispatch({ effects: this.past.reconfigure(history()) });
    this.quiet = false;
    this.setProblems([]);
  }

  /** @param {{name: string, colour: string}[]} terms */
  setTerms(terms) {
    this.view.dispatch({ effects: this.terms.reconfigure(tinted(terms)) });
  }

  /**
   * Show what changed since an older text, or with null the text alone.
   * @param {string|null} original
   */
  compare(original) {
    const shown =
      original === null
        ? []
        : unifiedMergeView({ original, mergeControls: false, collapseUnchanged: { margin: 2, minSize: 5 } });
    this.view.dispatch({ effects: this.changes.reconfigure(shown) });
  }

  /**
   * Mark what is wrong, at its line; the margin's mark says it in words.
   * @param {Problem[]} problems
   */
  setProblems(problems) {
    const { doc } = this.view.state;
    const found = problems.map(({ line, column, message }) => {
      const at = doc.line(Math.min(Math.max(1, line), doc.lines));
      const from = Math.min(at.from + Math.max(0, column), at.to);
      return { from, to: at.to, severity: /** @type {const} */ ("error"), message };
    });
    this.view.dispatch(setDiagnostics(this.view.state, found));
  }

  destroy() {
    this.view.destroy();
  }
}
