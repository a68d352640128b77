import { composeImage } from '@clean-room/protocol/packaging';
import { readWorkspace } from '../../src/workspace/read-workspace.js';
import { fixedKernelImage, specOver } from './image.js';
import { WORKSPACE, writeWorkspace } from './workspace.js';

/**
 * A program that writes the test workspace to a folder, in an order that depends on the seed, and prints the digest of the
 * image composed from it. The determinism test runs it as different users and in different environments.
 */
const [, , folder = '', seed = '1'] = process.argv;
const names = Object.keys(WORKSPACE);
const rotated = [...names.slice(Number(seed) % names.length), ...names.slice(0, Number(seed) % names.length)];
writeWorkspace(folder, rotated);
const files = await readWorkspace(folder);
const kernelImage = fixedKernelImage();
const image = await composeImage(kernelImage, specOver(files, kernelImage), [...files].reverse());
process.stdout.write(image.imageDigest);
