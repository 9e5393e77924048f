/** What the page uses of qrcode-generator; its own declarations name no module that an ES import finds. */

export interface QRCode {
  addData(data: string, mode?: "Byte"): void;
  make(): void;
  getModuleCount(): number;
  isDark(row: number, column: number): boolean;
}

declare const qrcode: (version: 0, level: "L" | "M" | "Q" | "H") => QRCode;
export default qrcode;
