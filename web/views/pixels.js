/**
 * A picture as numbers, with the few shapes that small stick figures need, edges smoothed by coverage. A browser's own
 * canvas takes microseconds for each stroke; tens of thousands of strokes of some pixels each are faster filled by hand.
 */

/** @import {Rgb} from "./theme.js" */

/** Byte order of a pixel in memory is red, green, blue, alpha; machines that run browsers are little-endian. */
const OPAQUE = 0xff000000;

/**
 * @param {Rgb} rgb
 * @returns {number} as Pixels takes it
 */
export function packed(rgb) {
  return (OPAQUE | (rgb[2] << 16) | (rgb[1] << 8) | rgb[0]) >>> 0;
}

export class Pixels {
  /**
   * @param {number} width
   * @param {number} height
   */
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.image = new ImageData(width, height);
    this.data = new Uint32Array(this.image.data.buffer);
  }

  /** @param {number} colour */
  clear(colour) {
    this.data.fill(colour);
  }

  /**
   * @param {number} left
   * @param {number} top
   * @param {number} right
   * @param {number} bottom
   * @param {number} colour
   */
  rect(left, top, right, bottom, colour) {
    const x0 = Math.max(0, Math.round(left));
    const x1 = Math.min(this.width, Math.round(right));
    const y1 = Math.min(this.height, Math.round(bottom));
    if (x0 >= x1) return;
    for (let y = Math.max(0, Math.round(top)); y < y1; y++) {
      this.data.fill(colour, y * this.width + x0, y * this.width + x1);
    }
  }

  /**
   * The outline of a rectangle, inside its edges.
   * @param {number} left
   * @param {number} top
   * @param {number} right
   * @param {number} bottom
   * @param {number} line
   * @param {number} colour
   */
  frame(left, top, right, bottom, line, colour) {
    this.rect(left, top, right, top + line, colour);
    this.rect(left, bottom - line, right, bottom, colour);
    this.rect(left, top, left + line, bottom, colour);
    this.rect(right - line, top, right, bottom, colour);
  }

  /**
   * A line with round ends.
   * @param {number} x0
   * @param {number} y0
   * @param {number} x1
   * @param {number} y1
   * @param {number} radius half its width
   * @param {number} colour
   */
  limb(x0, y0, x1, y1, radius, colour) {
    const reach = radius + 0.5;
    const dx = x1 - x0;
    const dy = y1 - y0;
    const square = dx * dx + dy * dy;
    const along = square > 1e-9 ? 1 / square : 0;
    const top = Math.max(0, Math.ceil(Math.min(y0, y1) - reach - 0.5));
    const bottom = Math.min(this.height - 1, Math.floor(Math.max(y0, y1) + reach - 0.5));
    const least = Math.min(x0, x1) - reach;
    const most = Math.max(x0, x1) + reach;
    // Where a row of pixels meets an endless line as wide as the limb; its round ends lie inside as well.
    const steep = Math.abs(dy) > 0.05 * Math.sqrt(square);
    const half = steep ? (reach * Math.sqrt(square)) / Math.abs(dy) : 0;
    const lean = steep ? dx / dy : 0;
    const inside = Math.max(0, radius - 0.5) ** 2;
    const outside = reach * reach;
    for (let y = top; y <= bottom; y++) {
      const py = y + 0.5 - y0;
      let left = least;
      let right = most;
      if (steep) {
        const middle = x0 + py * lean;
        left = Math.max(left, middle - half);
        right = Math.min(right, middle + half);
      }
      const first = Math.max(0, Math.ceil(left - 0.5));
      const last = Math.min(this.width - 1, Math.floor(right - 0.5));
      let at = y * this.width + first;
      for (let x = first; x <= last; x++, at++) {
        const px = x + 0.5 - x0;
        let share = (px * dx + py * dy) * along;
        share = share < 0 ? 0 : share > 1 ? 1 : share;
        const ox = px - share * dx;
        const oy = py - share * dy;
        const away = ox * ox + oy * oy;
        if (away <= inside) this.data[at] = colour;
        else if (away < outside) this.blend(at, colour, reach - Math.sqrt(away));
      }
    }
  }

  /**
   * A circle: a disc with a line around it.
   * @param {number} x
   * @param {number} y
   * @param {number} radius
   * @param {number} line its width, inside the radius
   * @param {number} colour
   * @param {number} fill
   */
  ring(x, y, radius, line, colour, fill) {
    this.limb(x, y, x, y, radius, colour);
    if (radius - line > 0.3) this.limb(x, y, x, y, radius - line, fill);
  }

  /**
   * @param {number} at
   * @param {number} colour
   * @param {number} share 0 leaves the pixel, 1 gives it the colour
   */
  blend(at, colour, share) {
    const w = share >= 1 ? 256 : (share * 256) | 0;
    const under = /** @type {number} */ (this.data[at]);
    // Two of the three channels at once; each product fits its 16 bits.
    const odd = under & 0xff00ff;
    const even = under & 0x00ff00;
    const a = (odd + ((((colour & 0xff00ff) - odd) * w) >> 8)) & 0xff00ff;
    const b = (even + ((((colour & 0x00ff00) - even) * w) >> 8)) & 0x00ff00;
    this.data[at] = (OPAQUE | a | b) >>> 0;
  }
}
