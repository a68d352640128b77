/**
 * `npm run demo`: takes the demo notebooks through all steps without a browser: provision, run on stand-ins, submit, approve, run on
 * the real data, filter, verify.
 * Prints the summary of each receipt.
 */
import { Buffer } from 'node:buffer';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CleanRoom, NOTEBOOKS } from './clean-room.js';
import { ROOT, SetupError, main, run } from './steps.js';
import { setup } from './setup.js';

const PURPOSE = 'Health research: cost of chronic illness';

function printTitle(title) {
  console.log(`\n— ${title}`);
}

const payloadOf = ({ payload }) => JSON.parse(Buffer.from(payload, 'base64').toString());

/** Checks that the receipt has the approval of every provider, and the keys that its custodian released. */
function requireProviders(receipt, providers) {
  const { approvals, keyReleases } = JSON.parse(readFileSync(receipt, 'utf8'));
  const custodians = new Set(keyReleases.map(envelope => payloadOf(envelope).custodian));
  const named = approvals
    .map(({ envelope }) => payloadOf(envelope))
    .filter(({ custodian }) => custodians.has(custodian))
    .map(({ provider }) => provider);
  const missing = providers.filter(provider => !named.includes(provider));
  if (missing.length > 0)
    throw new SetupError(`The receipt does not prove approval and key release of ${missing.join(' and ')}.`);
  console.log(`The receipt proves approval and key release of ${named.join(' and ')}.`);
}

/** Runs the notebooks on the stand-ins, as the person who writes them does. */
function runOnStandIns(cleanRoom) {
  printTitle('Running the notebooks on the stand-ins');
  const standIns = join(cleanRoom.folder, 'stand-ins');
  cleanRoom.env = { ...cleanRoom.env, CLEAN_ROOM_STAND_INS: standIns };
  cleanRoom.call('stand-ins');
  for (const notebook of NOTEBOOKS) {
    run([join(ROOT, '.venv/bin/jupyter'), 'execute', join(cleanRoom.notebooks, notebook)], {
      env: cleanRoom.env,
      quiet: true
    });
    console.log(`${notebook} runs to its end`);
  }
}

/** Submits, approves and runs a notebook, and verifies its receipt. */
async function demonstrate(cleanRoom, notebook) {
  printTitle(`Submitting ${notebook}`);
  const submitted = cleanRoom.call('submit', join(cleanRoom.notebooks, notebook), '--purpose', PURPOSE);
  console.log(`image digest ${submitted.image}`);
  cleanRoom.approve(submitted);
  console.log(
    `approved by ${submitted.providers.join(' and ')} without a passkey; the receipt marks this as unattended`
  );
  const run = await cleanRoom.waitForRun(submitted.id);
  const to = join(cleanRoom.folder, 'results', notebook.replace('.ipynb', ''));
  const result = cleanRoom.call('results', run.id, '--to', to);
  const verified = cleanRoom.call('verify', result.receipt, '--trust', join(cleanRoom.person, 'trust.json'));
  console.log(
    verified.steps.map(step => `  ${step.status.padEnd(11)} ${step.title}: ${step.detail}`).join('\n')
  );
  console.log(verified.summary);
  if (verified.outcome !== 'verified') throw new SetupError('The receipt could not be verified.');
  requireProviders(result.receipt, submitted.providers);
}

await main(async () => {
  setup();
  const folder = join(ROOT, '.cache/demo');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const cleanRoom = new CleanRoom(folder, { coordinator: 8797, hospital: 8798, insurer: 8799 });
  cleanRoom.createDemo();
  await cleanRoom.serve();
  try {
    printTitle(`Provisioning ${cleanRoom.providers.map(({ dataset }) => dataset).join(' and ')}`);
    cleanRoom.provision();
    cleanRoom.copyNotebooks();
    runOnStandIns(cleanRoom);
    for (const notebook of NOTEBOOKS) await demonstrate(cleanRoom, notebook);
    console.log('\nAll steps succeeded: provisioned, submitted, approved, run, filtered, verified.');
  } finally {
    await cleanRoom.stop();
  }
});
