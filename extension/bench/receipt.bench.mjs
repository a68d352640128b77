/** Measures the verification of a real run's receipt in Node, as the command does, and in a browser, as the extension does. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from '@playwright/test';
import { median, print } from '../../packages/protocol/bench/figures.ts';
import { timed } from './timed.mjs';

const ROUNDS = 50;
const WARM_UP = 10;
const LIMIT_MS = 20;

const fixture = name => readFileSync(new URL(`../test/fixtures/${name}`, import.meta.url));
const receipt = fixture('receipt.json');
const trust = JSON.parse(fixture('trust.json'));

async function bundle() {
  const { outputFiles } = await build({
    stdin: {
      contents: "export { verifyReceipt } from '@clean-room/protocol/receipts';",
      resolveDir: fileURLToPath(new URL('.', import.meta.url))
    },
    bundle: true,
    minify: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    globalName: 'bench',
    logLevel: 'error'
  });
  return outputFiles[0].text;
}

function inNode(options) {
  const program = fileURLToPath(new URL('in-node.mjs', import.meta.url));
  const input = JSON.stringify({ ...options, receipt: receipt.toString('base64') });
  return JSON.parse(execFileSync(process.execPath, [program], { input, encoding: 'utf8' }));
}

async function inBrowser(options) {
  const debian = '/usr/bin/chromium';
  const executablePath = process.env.CHROMIUM_PATH ?? (existsSync(debian) ? debian : undefined);
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage();
    // WebCrypto exists only on secure pages.
    const origin = 'https://bench.invalid';
    await page.route(`${origin}/**`, route =>
      route.fulfill({ contentType: 'text/html', body: '<!doctype html>' })
    );
    await page.goto(`${origin}/`);
    await page.addScriptTag({ content: await bundle() });
    return await page.evaluate(
      `(${timed})(bench.verifyReceipt, { ...${JSON.stringify(options)}, receipt: Uint8Array.fromBase64 ? Uint8Array.fromBase64(${JSON.stringify(receipt.toString('base64'))}) : Uint8Array.from(atob(${JSON.stringify(receipt.toString('base64'))}), c => c.charCodeAt(0)) })`
    );
  } finally {
    await browser.close();
  }
}

const options = { trust, rounds: ROUNDS, warmUp: WARM_UP };
const figure = (where, taken) => ({
  figure: `a receipt verified in ${where}`,
  unit: 'ms',
  value: median(taken),
  against: 'limit',
  reference: LIMIT_MS,
  limit: 1
});
print([figure('Node', inNode(options)), figure('the browser', await inBrowser(options))]);
