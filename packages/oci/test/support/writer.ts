import { LayoutStore } from '../../src/layout/layout-store.js';
import { makeKernelImage, putKernelImage } from './image.js';

/** A program of its own: puts image after image into a layout folder, and says each digest once it is there. */
const [, , folder = '', prefix = ''] = process.argv;
const store = await LayoutStore.open(folder);
for (let n = 0; ; n++) {
  const image = await makeKernelImage([300_000, 100]);
  process.stdout.write(`${await putKernelImage(store, image, `${prefix}-${n}`)} ${prefix}-${n}\n`);
}
