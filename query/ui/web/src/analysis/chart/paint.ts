// Colours, fonts and marks on canvases, which know no tokens.

const colours = new Map<string, string>();

/** forgetColours makes colours be read again: the theme has changed. */
export function forgetColours() {
  colours.clear();
}

/** colour returns the colour of a token as canvases take it. */
export function colour(token: string): string {
  let found = colours.get(token);
  if (found === undefined) {
    // A property that is itself a token reads as it is written, light-dark and all; a colour made of it is resolved.
    const probe = document.createElement("span");
    probe.style.color = `var(${token})`;
    document.body.append(probe);
    found = getComputedStyle(probe).color;
    probe.remove();
    colours.set(token, found);
  }
  return found;
}

/** font returns the page's font in a size, in pixels. */
export function font(size: number, weight = 400): string {
  return `${weight} ${size}px ${getComputedStyle(document.body).fontFamily}`;
}

/** mark draws the shape of a series around a point, with a rim that keeps it from what is below. */
export function mark(
  context: CanvasRenderingContext2D,
  shape: string,
  at: { x: number; y: number },
  size: number,
  fill: string,
) {
  context.save();
  context.translate(at.x - size / 2, at.y - size / 2);
  context.scale(size / 16, size / 16);
  const path = new Path2D(shape);
  context.strokeStyle = colour("--surface");
  context.lineWidth = 4;
  context.stroke(path);
  context.fillStyle = fill;
  context.fill(path);
  context.restore();
}

/** clipped returns a text that fits into a width, in the context's font. */
export function clipped(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 0 && context.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end)}…`;
}

const tiles = new Map<string, HTMLCanvasElement>();

/**
 * texture returns a pattern to lay over an area, so that neighbours differ without their colours; null for the
 * first, which stays plain. ratio is the device's pixels in one of the page.
 */
export function texture(context: CanvasRenderingContext2D, n: number, ratio: number): CanvasPattern | null {
  const kind = n % 4;
  if (kind === 0) return null;
  const ink = colour("--surface");
  const name = `${kind} ${ratio} ${ink}`;
  let tile = tiles.get(name);
  if (!tile) {
    tile = document.createElement("canvas");
    tile.width = tile.height = Math.round(8 * ratio);
    const draw = tile.getContext("2d");
    if (!draw) return null;
    draw.scale(tile.width / 8, tile.width / 8);
    draw.strokeStyle = ink;
    draw.globalAlpha = 0.55;
    draw.lineWidth = 1.4;
    draw.beginPath();
    // One line over the tile, and its ends again in the corners, where tiles meet.
    const lines: Record<number, [number, number, number, number][]> = {
      1: [
        [0, 8, 8, 0],
        [-1, 1, 1, -1],
        [7, 9, 9, 7],
      ],
      2: [
        [0, 0, 8, 8],
        [-1, 7, 1, 9],
        [7, -1, 9, 1],
      ],
      3: [[0, 4, 8, 4]],
    };
    for (const [x0, y0, x1, y1] of lines[kind] ?? []) {
      draw.moveTo(x0, y0);
      draw.lineTo(x1, y1);
    }
    draw.stroke();
    tiles.set(name, tile);
  }
  return context.createPattern(tile, "repeat");
}
