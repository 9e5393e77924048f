/** A link as a QR code, where it fits into one that a phone reads off a screen. */

import { loadPart } from "../../requirements.js";
import { h, setText } from "../elements.js";
import { fullCount } from "../format.js";

/** Bytes that the largest code holds at its lowest level of correction: 2 953 (ISO/IEC 18004), a little less to be sure. */
const MOST = 2_900;
/** Modules of white around the code, as the standard asks for. */
const QUIET = 4;
const WIDTH_PX = 240;

export class QrCode {
  constructor() {
    this.canvas = h("canvas", {
      class: "qr",
      role: "img",
      "aria-label": "The link as a QR code",
      hidden: true,
    });
    this.words = h("p", { class: "setting-help" });
    this.element = h("div", { class: "qr-part" }, this.canvas, this.words);
    this.shown = "";
  }

  /** @param {string} address or "" */
  async show(address) {
    this.shown = address;
    if (!address || address.length > MOST) {
      this.canvas.hidden = true;
      const why = `No QR code: one holds ${fullCount(MOST)} characters at most.`;
      setText(this.words, address ? why : "");
      return;
    }
    const { default: qrcode } = await loadPart(() => import("qrcode-generator"), "What draws QR codes");
    if (this.shown !== address) return;
    const code = qrcode(0, "L");
    code.addData(address, "Byte");
    code.make();
    this.#draw(code.getModuleCount(), (row, column) => code.isDark(row, column));
    setText(this.words, "For a phone's camera.");
  }

  /**
   * @param {number} modules on a side
   * @param {(row: number, column: number) => boolean} dark
   */
  #draw(modules, dark) {
    const { canvas } = this;
    const side = modules + 2 * QUIET;
    const css = side * Math.max(2, Math.floor(WIDTH_PX / side));
    const scale = Math.max(1, Math.round((css / side) * devicePixelRatio));
    canvas.width = canvas.height = side * scale;
    canvas.style.width = `${css}px`;
    const context = canvas.getContext("2d");
    if (!context) return;
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = "#000";
    for (let row = 0; row < modules; row++)
      for (let column = 0; column < modules; column++)
        if (dark(row, column))
          context.fillRect((column + QUIET) * scale, (row + QUIET) * scale, scale, scale);
    canvas.hidden = false;
  }
}
