/**
 * Gathers what only a real Google Cloud project can show, prints it, and deletes the machines that it started. See README.md.
 *
 *   node deployment/prove/prove.js --coordinator coordinator.json --image REFERENCE@sha256:… --address http://10.0.0.5:8790
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { HARDWARE_ROOTS } from '@clean-room/protocol/attestation';
import { checkConfig } from '../../server/lib/platform/config/config.js';
import { ComputeApi } from '../../server/lib/coordinator/backends/confidential-space/compute.js';
import { googleClient } from '../../server/lib/coordinator/backends/confidential-space/credentials.js';
import { LauncherLog } from '../../server/lib/coordinator/backends/confidential-space/launcher-log.js';
import { ConfidentialSpaceSettings } from '../../server/lib/coordinator/backends/confidential-space/settings.js';
import { JobEndpoint } from './job.js';
import { bootImage, cleanUp, launchPolicy, machine, machineTypes, quotas } from './steps.js';

const IMAGE = /^[^\s@]+@sha256:[0-9a-f]{64}$/;
/** A deployment of its own, so that a coordinator in the same project does not stop these machines, nor the reverse. */
const DEPLOYMENT = 'prove';

/** Runs a step. A step that fails does not keep the others from running. */
async function run(steps, title, work) {
  const began = Date.now();
  try {
    const { expected, facts } = await work();
    steps.push({
      title,
      result: expected ? 'as expected' : 'different',
      seconds: (Date.now() - began) / 1000,
      facts
    });
  } catch (error) {
    const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
    const remedy = error.remedy === undefined ? '' : ` ${error.remedy}`;
    const facts = { error: `${error.message}${remedy}${cause}` };
    steps.push({ title, result: 'failed', seconds: (Date.now() - began) / 1000, facts });
  }
}

/**
 * Gathers all facts.
 *
 * @param {object} settings - the section `backend` of a coordinator's configuration
 * @param {object} options - `image`, `address`, `listen` (host and port), and the clients of Google's APIs
 * @returns the report
 */
export async function prove(settings, options) {
  const { image, address, listen, auth, computeUrl, computeOptions, loggingUrl } = options;
  const own = { ...settings, deployment: DEPLOYMENT };
  const endpoint = new JobEndpoint(address);
  await endpoint.listen(listen.host, listen.port);
  const context = {
    settings: own,
    image,
    endpoint,
    auth,
    computeUrl,
    compute: await ComputeApi.open(settings.project, computeOptions),
    launcherLog: new LauncherLog(settings.project, auth, loggingUrl),
    roots: options.roots ?? HARDWARE_ROOTS,
    waitSeconds: options.waitSeconds ?? 900,
    pollMs: options.pollMs ?? 2000,
    started: []
  };
  const steps = [];
  try {
    await run(steps, 'Boot image', () => bootImage(context));
    await run(steps, 'Machine types', () => machineTypes(context));
    await run(steps, 'Quotas', () => quotas(context));
    for (const tee of settings.tees) {
      await run(steps, `A ${tee} machine: boot time, kernel, sandbox, attestation`, () =>
        machine(context, tee)
      );
    }
    await run(steps, 'The launcher refuses a variable that the image does not allow', () =>
      launchPolicy(context, settings.tees[0])
    );
  } finally {
    await run(steps, 'Everything is deleted', () => cleanUp(context));
    await endpoint.close();
  }
  return {
    format: 'clean-room.prove/v1',
    project: settings.project,
    image,
    at: new Date().toISOString(),
    steps
  };
}

/** Returns a report as text. */
export function reportText({ project, image, at, steps }) {
  const lines = [`Project ${project}, ${at}`, `Image ${image}`, ''];
  for (const { title, result, seconds, facts } of steps) {
    lines.push(`${title}: ${result} (${seconds.toFixed(1)} s)`);
    lines.push(
      ...JSON.stringify(facts, undefined, 2)
        .split('\n')
        .map(line => `  ${line}`),
      ''
    );
  }
  return lines.join('\n');
}

async function main() {
  const { values } = parseArgs({
    options: {
      coordinator: { type: 'string' },
      image: { type: 'string' },
      address: { type: 'string' },
      listen: { type: 'string', default: '0.0.0.0:8790' },
      report: { type: 'string', default: 'prove-report' }
    }
  });
  const { coordinator, image = '', address, listen, report: folder } = values;
  if (coordinator === undefined || address === undefined || !IMAGE.test(image)) {
    throw new Error(
      'Name the coordinator’s configuration (--coordinator), an image with its digest (--image) and the URL at which machines reach this computer (--address).'
    );
  }
  const { backend } = JSON.parse(await readFile(coordinator, 'utf8'));
  const settings = checkConfig(ConfidentialSpaceSettings, backend, `"backend" of ${coordinator}`);
  const auth = await googleClient('https://www.googleapis.com/auth/cloud-platform');
  const port = Number(listen.slice(listen.lastIndexOf(':') + 1));
  const report = await prove(settings, {
    image,
    address,
    listen: { host: listen.slice(0, listen.lastIndexOf(':')), port },
    auth,
    computeUrl: 'https://compute.googleapis.com',
    computeOptions: {}
  });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  await writeFile(join(folder, 'report.txt'), reportText(report));
  process.stdout.write(`${reportText(report)}\nWritten to ${folder}/report.json and report.txt.\n`);
  process.exitCode = report.steps.every(({ result }) => result === 'as expected') ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main().catch(error => {
    process.stderr.write(`${error.message}${error.remedy === undefined ? '' : `\n${error.remedy}`}\n`);
    process.exitCode = 1;
  });
}
