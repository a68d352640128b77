/** The whole way without a browser: provision, submit, approve, run, filter, verify. Prints the receipt's summary. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CleanRoom, NOTEBOOKS } from './clean-room.js';
import { ROOT, SetupError, main } from './steps.js';
import { setup } from './setup.js';

const PURPOSE = 'Health research: cost of chronic illness';

function show(title) {
  console.log(`\n— ${title}`);
}

async function demonstrate(room, notebook) {
  show(`Submitting ${notebook}`);
  const submitted = room.call('submit', join(room.notebooks, notebook), '--purpose', PURPOSE);
  console.log(`image digest ${submitted.image}`);
  room.call(
    'approve',
    submitted.id,
    '--without-passkey',
    '--party',
    'hospital',
    '--custodian',
    join(room.folder, 'custodians/hospital')
  );
  console.log('approved by hospital, without a passkey: marked as unattended');
  const run = await room.waitForRun(submitted.id);
  const to = join(room.folder, 'results', notebook.replace('.ipynb', ''));
  const result = room.call('results', run.id, '--to', to);
  const verified = room.call('verify', result.receipt, '--trust', join(room.person, 'trust.json'));
  console.log(
    verified.steps.map(step => `  ${step.status.padEnd(11)} ${step.title}: ${step.detail}`).join('\n')
  );
  console.log(verified.summary);
  if (verified.outcome !== 'verified') throw new SetupError('The receipt does not verify.');
}

await main(async () => {
  setup();
  const folder = join(ROOT, '.cache/demo');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const room = new CleanRoom(folder, { coordinator: 8797, custodian: 8798 });
  room.found();
  await room.serve();
  try {
    show('Provisioning hospital/visits');
    room.provision();
    room.layOutNotebooks();
    for (const notebook of NOTEBOOKS) await demonstrate(room, notebook);
    console.log('\nThe whole way was gone: provisioned, submitted, approved, run, filtered, verified.');
  } finally {
    await room.stop();
  }
});
