/** The steps of a proof. Each gathers facts that only a real project can show. */
import { setTimeout as sleep } from 'node:timers/promises';
import { instanceOf } from '../../server/lib/coordinator/backends/confidential-space/instance.js';
import { instanceName } from '../../server/lib/coordinator/backends/confidential-space/names.js';
import { shapesOf } from '../../server/lib/coordinator/backends/confidential-space/shapes.js';
import { newId } from '../../server/lib/platform/ids.js';
import { claimExpectations, claimsOf, failedSteps, kernelFacts } from './expectations.js';

const IMAGE_PROJECT = 'confidential-space-images';
const IMAGE_FAMILY = 'confidential-space';
const GIB = 1024 ** 3;
/** A variable that the image's launch policy does not allow. */
const FORBIDDEN = 'tee-env-CLEAN_ROOM_FORBIDDEN';

const regionOf = zone => zone.slice(0, zone.lastIndexOf('-'));
const familyOf = tee => (tee === 'TDX' ? 'C3' : 'N2D');
const seconds = (from, to) => (to === undefined ? null : Math.round((to - from) / 100) / 10);

/** Reads from the Compute API. Errors say which method failed. */
async function read({ auth, computeUrl }, path) {
  try {
    return (await auth.request({ url: `${computeUrl}/compute/v1/${path}` })).data;
  } catch (error) {
    throw new Error(`GET ${path}: ${error.message}`, { cause: error });
  }
}

/** Finds the boot image that a machine would start with now. */
export async function bootImage(context) {
  const path = `projects/${IMAGE_PROJECT}/global/images/family/${IMAGE_FAMILY}`;
  const { name, diskSizeGb, guestOsFeatures = [] } = await read(context, path);
  const features = guestOsFeatures.map(({ type }) => type);
  const missing = context.settings.tees.map(tee => `${tee}_CAPABLE`).filter(type => !features.includes(type));
  return { expected: missing.length === 0, facts: { name, diskSizeGb, features, missing } };
}

/** Compares the machine types in each zone with the sizes that the backend offers. */
export async function machineTypes(context) {
  const { project, zones, tees } = context.settings;
  const found = [];
  for (const { tee, name, processors } of shapesOf(tees, {}).filter(shape => shape.processors <= 8)) {
    for (const zone of zones) {
      const type = await read(context, `projects/${project}/zones/${zone}/machineTypes/${name}`).catch(
        error => ({ error: error.message })
      );
      found.push({ tee, zone, name, processors: type.guestCpus ?? null, error: type.error ?? null });
      if (type.guestCpus !== undefined && type.guestCpus !== processors)
        found.at(-1).error = 'other processors';
    }
  }
  return { expected: found.every(({ error }) => error === null), facts: found };
}

/** Reads the quotas of processors in each region. */
export async function quotas(context) {
  const { project, zones, tees, spot } = context.settings;
  const metrics = tees.map(tee => `${spot ? 'PREEMPTIBLE_' : ''}${spot ? '' : `${familyOf(tee)}_`}CPUS`);
  const found = [];
  for (const region of new Set(zones.map(regionOf))) {
    const { quotas: all = [] } = await read(context, `projects/${project}/regions/${region}`);
    for (const metric of new Set(metrics)) {
      const { limit = null, usage = null } = all.find(quota => quota.metric === metric) ?? {};
      found.push({ region, metric, limit, usage });
    }
  }
  return { expected: found.every(({ limit, usage }) => limit !== null && limit - usage >= 4), facts: found };
}

/** Starts a machine as the backend does, and calls `observe` until it returns something or the time is over. */
async function withMachine(context, tee, metadata, observe) {
  const { settings, compute, endpoint, image, waitSeconds, pollMs } = context;
  const attempt = newId();
  const zone = settings.zones[0];
  const job = endpoint.expect(attempt);
  const plan = {
    attempt,
    image: image.slice(image.indexOf('@') + 1),
    imageReference: image,
    tee,
    processors: 2,
    memoryBytes: 4 * GIB,
    diskBytes: 12 * GIB,
    deadlineSeconds: waitSeconds + 600,
    job,
    labels: {}
  };
  const shape = shapesOf([tee], {})[0];
  const instance = instanceOf(plan, settings, zone, shape);
  instance.metadata.items.push(...metadata);
  const name = instanceName(attempt);
  context.started.push({ zone, name });
  const requestedAt = Date.now();
  const errors = await compute.insert(zone, instance);
  if (errors.length > 0) throw new Error(`${name} in ${zone}: ${errors[0].code}: ${errors[0].message}`);
  const createdAt = Date.now();
  const record = endpoint.seen.get(attempt);
  while (Date.now() - requestedAt < waitSeconds * 1000 && !(await observe(record, { zone, name }))) {
    await sleep(pollMs);
  }
  const serial = (await compute.serialOutput(zone, name)) ?? '';
  const log = await context.launcherLog
    .read(name)
    .catch(error => [{ severity: 'ERROR', message: error.message }]);
  return { plan, shape, zone, name, record, requestedAt, createdAt, serial, log };
}

/** Starts one machine with the image, and gathers boot times, kernel, claims, sandbox and log. */
export async function machine(context, tee) {
  const started = await withMachine(context, tee, [], record => record.askedForJobAt ?? record.progress);
  const { plan, shape, zone, name, record, requestedAt, createdAt, serial, log } = started;
  const facts = {
    machineType: shape.name,
    zone,
    seconds: {
      insert: seconds(requestedAt, createdAt),
      registration: seconds(requestedAt, record.registeredAt),
      sandboxProbed: seconds(requestedAt, record.askedForJobAt)
    },
    kernel: kernelFacts(serial),
    launcherLog: log.slice(-50),
    sandbox:
      record.askedForJobAt === undefined
        ? `The probe did not pass, or the machine did not get so far. Its last report: ${record.progress ?? 'none'}.`
        : 'The probe of the sandbox has passed.'
  };
  if (record.registration === undefined) {
    return { expected: false, facts: { ...facts, claims: null, note: 'The machine has not registered.' } };
  }
  const expected = { tee, image: plan.image, job: plan.job, project: context.settings.project, zone, name };
  const claims = claimsOf(record.registration.token);
  const expectations = claimExpectations(claims, expected);
  const failures = await failedSteps(record.registration, expected, context.roots);
  const holds =
    record.askedForJobAt !== undefined && failures.length === 0 && expectations.every(check => check.holds);
  return { expected: holds, facts: { ...facts, expectations, verification: failures, claims } };
}

/** Starts a machine with a variable that the image's labels do not allow. The launcher must not run the image. */
export async function launchPolicy(context, tee) {
  const { record, serial, log } = await withMachine(
    context,
    tee,
    [{ key: FORBIDDEN, value: 'x' }],
    async (seen, { zone, name }) => {
      if (seen.registration !== undefined) return true;
      const output = (await context.compute.serialOutput(zone, name)) ?? '';
      return output.includes('launcher exiting');
    }
  );
  const texts = [...log.map(({ message }) => message), ...serial.split(/\r?\n/)];
  const refusal = texts.find(line => /not allowed to be overridden/.test(line)) ?? null;
  return {
    expected: record.registration === undefined && refusal !== null,
    facts: { refusal, ranTheImage: record.registration !== undefined, launcherLog: log.slice(-50) }
  };
}

/** Deletes every machine that was started, and checks that none is left. */
export async function cleanUp({ compute, started, settings }) {
  const labels = { 'clean-room-deployment': settings.deployment };
  // Also machines that an earlier, interrupted proof has left.
  const machines = new Map([...started, ...(await compute.list(labels))].map(each => [each.name, each]));
  for (const { zone, name } of machines.values()) await compute.delete(zone, name);
  const left = (await compute.list(labels)).map(({ name }) => name);
  return { expected: left.length === 0, facts: { deleted: [...machines.keys()], left } };
}
