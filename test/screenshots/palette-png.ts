import { crc32, deflateSync } from "node:zlib"

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10])
const MAX_COLOURS = 256
const BYTES_PER_PIXEL = 4

/** Pixels as a PNG of at most 256 colours: a page has few, and the file is a third as large. `pixels`: RGBA, opaque. */
export function encodePalette(pixels: Uint8Array, width: number, height: number): Buffer {
  const counts = new Map<number, number>()
  const colours = new Uint32Array(width * height)
  for (const i of colours.keys()) {
    const at = i * BYTES_PER_PIXEL
    const colour = ((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0)
    colours[i] = colour
    counts.set(colour, (counts.get(colour) ?? 0) + 1)
  }
  const palette = [...counts.keys()]
    .sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0))
    .slice(0, MAX_COLOURS)
  const indexes = new Map([...counts.keys()].map((colour) => [colour, nearest(palette, colour)]))
  const rows = Buffer.alloc(height * (width + 1))
  for (let y = 0; y < height; y++) {
    // The first byte of a row says that it is not filtered.
    for (let x = 0; x < width; x++)
      rows[y * (width + 1) + 1 + x] = indexes.get(colours[y * width + x] ?? 0) ?? 0
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 3, 0, 0, 0], 8)
  const table = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]))
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", head),
    chunk("PLTE", table),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ])
}

function nearest(palette: number[], colour: number): number {
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (const [i, each] of palette.entries()) {
    const [r, g, b] = [16, 8, 0].map((shift) => ((each >> shift) & 255) - ((colour >> shift) & 255))
    const distance = (r ?? 0) ** 2 + (g ?? 0) ** 2 + (b ?? 0) ** 2
    if (distance < least) {
      least = distance
      best = i
    }
  }
  return best
}

function chunk(name: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, "latin1"), content])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}
