import { crc32, deflateSync } from 'node:zlib';
import { decodeImages } from '../support/container.js';
import { PROFILES } from '../support/emulation.js';

function chunk(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** Returns a PNG whose header says `width`×`height` and whose pixel data is `rows`. */
function png(width: number, height: number, rows: Uint8Array): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    chunk('IHDR', head),
    chunk('tEXt', Buffer.from('Comment\0row 17 of the data')),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0))
  ]);
}

const tiny = png(2, 1, Buffer.from([0, 255, 0, 0, 0, 0, 255]));

describe.each(PROFILES)('the image decoder in %s', profile => {
  it('returns the pixels of an image and continues after invalid images', async () => {
    const bomb = png(10_000, 10_000, Buffer.alloc(30_010_000));
    const cut = tiny.subarray(0, 80);
    const wide = png(0xffffffff, 1, Buffer.alloc(10));
    const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
    const answers = await decodeImages(
      profile,
      [bomb, cut, wide, gif, Buffer.alloc(0), Buffer.from('text'), tiny],
      1_000_000
    );
    expect(answers.slice(0, 6)).toEqual(Array.from({ length: 6 }, () => ({ refused: 'malformed' })));
    expect(answers[6]).toEqual({
      width: 2,
      height: 1,
      rgba: Buffer.from([255, 0, 0, 255, 0, 0, 255, 255]).toString('base64')
    });
  });
});
