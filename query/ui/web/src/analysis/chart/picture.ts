import { measure as measured } from "../../state/numbers.ts";
import { heightOf } from "./geometry.ts";
import type { Look } from "./look.ts";
import { clipped, colour, font, mark } from "./paint.ts";
import { endOf, placeOf, type RankBar } from "./rankbars.tsx";

// A picture of the charts, with what the page says around them: title, time and legend.

/** Part is a chart of the picture: one that is on the page, or bars. */
export interface Part {
  title: string;
  canvas?: HTMLCanvasElement;
  bars?: RankBar[];
}

export interface Picture {
  title: string;
  lines: string[]; // below the title
  parts: Part[];
  legend: { label: string; look: Look; value: string }[];
}

const edge = 16;
const row = 20;

/** pictureOf paints a picture and returns it as PNG. */
export async function pictureOf(picture: Picture, width: number): Promise<Blob> {
  const ratio = window.devicePixelRatio || 1;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round((width + 2 * edge) * ratio);
  // What it takes is known when it is painted: once into nowhere, once for good.
  canvas.height = 1;
  const height = paint(canvas, picture, width, ratio);
  canvas.height = Math.round(height * ratio);
  paint(canvas, picture, width, ratio);
  return new Promise((done, failed) =>
    canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("The browser made no picture"))), "image/png"),
  );
}

function paint(canvas: HTMLCanvasElement, { title, lines, parts, legend }: Picture, width: number, ratio: number) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("The browser gives no canvas to draw on");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = colour("--surface");
  context.fillRect(0, 0, canvas.width / ratio, canvas.height / ratio);
  context.textBaseline = "top";
  let y = edge;
  const write = (text: string, size: number, token: string, weight = 400) => {
    context.font = font(size, weight);
    context.fillStyle = colour(token);
    context.fillText(clipped(context, text, width), edge, y);
    y += size + 8;
  };
  write(title, 18, "--text", 600);
  for (const line of lines) write(line, 12, "--muted");
  for (const part of parts) {
    y += 6;
    if (parts.length > 1) write(part.title, 13, "--text", 600);
    if (part.canvas) {
      const shown = part.canvas.getBoundingClientRect();
      const scale = Math.min(1, width / shown.width);
      context.drawImage(part.canvas, edge, y, shown.width * scale, shown.height * scale);
      y += shown.height * scale;
    }
    if (part.bars) y = paintBars(context, part.bars, width, y);
  }
  if (legend.length > 0) y = paintLegend(context, legend, width, y + 10);
  return y + edge;
}

function paintBars(context: CanvasRenderingContext2D, bars: RankBar[], width: number, top: number): number {
  const range = heightOf(bars.flatMap(({ value, before }) => [value, before]));
  const labels = Math.min(220, width * 0.3);
  const values = 80;
  const room = width - labels - values;
  context.save();
  context.font = font(12);
  context.textBaseline = "middle";
  bars.forEach(({ drawn: { entry }, value, before }, i) => {
    const y = top + i * 24;
    mark(context, entry.look.shape, { x: edge + 6, y: y + 12 }, 10, colour(entry.look.line));
    context.fillStyle = colour("--text");
    context.fillText(clipped(context, entry.label, labels - 24), edge + 16, y + 12);
    context.strokeStyle = colour(entry.look.line);
    if (value !== null) {
      const place = placeOf(value, range);
      const [left, wide] = [edge + labels + place.left * room, place.width * room];
      context.fillStyle = colour(entry.look.area);
      context.fillRect(left, y + 4, wide, 16);
      context.strokeRect(left, y + 4, wide, 16);
    }
    if (typeof before === "number") {
      const x = edge + labels + endOf(before, range) * room;
      context.fillStyle = colour("--surface");
      context.fillRect(x - 2, y + 1, 4, 22);
      context.setLineDash([4, 3]);
      context.lineWidth = 2;
      context.strokeStyle = colour("--text");
      context.beginPath();
      context.moveTo(x, y + 1);
      context.lineTo(x, y + 23);
      context.stroke();
      context.setLineDash([]);
      context.lineWidth = 1;
    }
    context.fillStyle = colour("--text");
    context.fillText(measured(value), edge + labels + room + 8, y + 12);
  });
  context.restore();
  return top + bars.length * 24;
}

function paintLegend(context: CanvasRenderingContext2D, legend: Picture["legend"], width: number, top: number): number {
  context.save();
  context.font = font(12);
  context.textBaseline = "middle";
  let x = edge;
  let y = top + row / 2;
  for (const { label, look, value } of legend) {
    const text = clipped(context, `${label}  ${value}`, width - 20);
    const wide = context.measureText(text).width + 36;
    if (x > edge && x + wide > width + edge) {
      x = edge;
      y += row;
    }
    mark(context, look.shape, { x: x + 6, y }, 10, colour(look.line));
    context.fillStyle = colour("--text");
    context.fillText(text, x + 16, y);
    x += wide;
  }
  context.restore();
  return y + row / 2;
}
