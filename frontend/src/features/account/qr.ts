/** A QR code as one path of SVG. Loaded only when one is to be drawn. */
import encodeQR from "qr";

export interface Drawing {
  size: number;
  path: string;
}

const border = 4; // modules of white around it, as the standard wants

export function draw(text: string): Drawing {
  const rows = encodeQR(text, "raw", { ecc: "medium", border });
  return { size: rows.length, path: rows.map(pathOfRow).join("") };
}

/** The dark runs of a row, each a rectangle of height 1. */
function pathOfRow(row: boolean[], y: number): string {
  let path = "";
  for (let x = 0; x < row.length; x++) {
    const from = x;
    while (row[x]) x++;
    if (x > from) path += `M${from} ${y}h${x - from}v1h-${x - from}z`;
  }
  return path;
}
