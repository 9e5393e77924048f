/** In which format a policy leaves the page: the choice beside a button that exports. */

import { h } from "./elements.js";

/** @typedef {"safetensors"|"onnx"|"json"} Format */

/** @type {[Format, string][]} */
const FORMATS = [
  ["safetensors", ".safetensors"],
  ["onnx", ".onnx"],
  ["json", ".json"],
];

/**
 * @param {string} id of the element
 * @returns {{element: HTMLSelectElement, format: () => Format}}
 */
export function exportChoice(id) {
  const element = h(
    "select",
    {
      class: "select",
      id,
      "aria-label": "Export as",
      title:
        "TabRL reads .safetensors again, bit for bit; .onnx is for other runtimes; .json for anything else",
    },
    ...FORMATS.map(([value, words]) => h("option", { value }, words)),
  );
  return { element, format: () => /** @type {Format} */ (element.value) };
}
