import { CleanRoomError } from '@clean-room/protocol/errors';
import { requireTerms, strictestTerms } from '@clean-room/protocol/policies';
import type { TrustRoots } from '@clean-room/protocol/receipts';
import type { Compute } from '@clean-room/protocol/submissions';
import type { Machine } from '@clean-room/api/coordinator';
import type {
  CataloguedAsset,
  CataloguedCollaboration,
  CataloguedKernelImage
} from '../catalogue/catalogue.js';
import type { PersonKeys } from '../home/identity.js';
import type { LockedNotebook } from './lock.js';

/** The options of a submission. */
export interface SubmissionOptions {
  readonly datasets: readonly string[];
  readonly purpose: string;
  readonly parameters: string;
  readonly files: readonly string[];
  readonly compute: Partial<Compute>;
  readonly kernelImage?: string;
  readonly party: string | undefined;
}

/** Everything that a submission can be built from, already verified. */
export interface Catalogue {
  readonly collaborations: readonly CataloguedCollaboration[];
  readonly kernelImages: readonly CataloguedKernelImage[];
  readonly trust: TrustRoots;
  /** Returns the machine sizes for runs on datasets, the smallest first. */
  readonly machines: (datasets: readonly string[]) => Promise<readonly Machine[]>;
}

const DEFAULT_COMPUTE: Compute = { processors: 2, memoryBytes: 4 * 1024 ** 3, accelerator: 'none' };

/** The highest cost of one start of a machine. */
export interface CostEstimate {
  /** The name of the machine size. */
  readonly machine: string;
  readonly dollarsPerHour: number;
  /** The longest time that a notebook may run, in hours. */
  readonly hours: number;
  readonly dollars: number;
}

/** Returns what a run costs at most, or undefined if the price of its machine is not known. */
function estimateCost(
  machines: readonly Machine[],
  { processors, memoryBytes }: Compute,
  wallSeconds: number
): CostEstimate | undefined {
  const machine = machines.find(size => size.processors >= processors && size.memoryBytes >= memoryBytes);
  if (machine?.dollarsPerHour === undefined) return undefined;
  const hours = wallSeconds / 3600;
  return {
    machine: machine.name,
    dollarsPerHour: machine.dollarsPerHour,
    hours,
    dollars: machine.dollarsPerHour * hours
  };
}

/** Returns the first collaboration that has all datasets and the purpose. */
function chooseCollaboration(
  { collaborations }: Catalogue,
  options: SubmissionOptions
): CataloguedCollaboration {
  const candidates = collaborations.filter(({ collaboration: { value }, assets }) => {
    const member = options.party === undefined || value.members.some(({ party }) => party === options.party);
    return member && options.datasets.every(name => assets.has(name));
  });
  const chosen = candidates.find(({ collaboration }) =>
    collaboration.value.purposes.includes(options.purpose)
  );
  if (chosen !== undefined) return chosen;
  const purposes = [...new Set(candidates.flatMap(({ collaboration }) => collaboration.value.purposes))];
  if (candidates.length > 0) {
    throw new CleanRoomError(
      'policy-refused',
      `Your collaboration does not list the purpose "${options.purpose}".`,
      {
        remedy: `Choose one of: ${purposes.join('; ')}.`
      }
    );
  }
  const available = [...new Set(collaborations.flatMap(({ assets }) => [...assets.keys()]))];
  throw new CleanRoomError(
    'not-found',
    options.datasets.length === 0
      ? 'You are not in a collaboration yet.'
      : `None of your collaborations has the dataset ${options.datasets.join(' and ')}.`,
    {
      remedy:
        available.length === 0
          ? 'Compare the root keys in your trust roots with those of the parties.'
          : `These datasets are available: ${available.join(', ')}.`
    }
  );
}

/** Returns the kernel image to run on: the requested one, or the first one that every policy allows. */
function chooseKernelImage(
  { kernelImages }: Catalogue,
  options: SubmissionOptions,
  assets: readonly CataloguedAsset[]
): CataloguedKernelImage {
  const allowed = kernelImages.filter(({ digest, signer }) =>
    assets.every(
      ({ policy: { value } }) =>
        value.kernelImages.digests.includes(digest) && value.kernelImages.signers.includes(signer)
    )
  );
  const named = options.kernelImage;
  const chosen =
    named === undefined ? allowed[0] : allowed.find(({ name, digest }) => name === named || digest === named);
  if (chosen !== undefined) return chosen;
  throw new CleanRoomError(
    'policy-refused',
    'There is no kernel image that is signed by a key you trust and allowed by every policy.',
    {
      remedy: 'Ask the providers to allow a kernel image of this clean room.'
    }
  );
}

/** Returns the roster that lists the person as a researcher. */
function requireSubmitter(
  { rosters }: CataloguedCollaboration,
  keys: PersonKeys
): { party: string; rootKey: string } {
  for (const roster of rosters.values()) {
    const person = roster.people.find(candidate => candidate.keys.includes(keys.signing.publicKey));
    if (person?.roles.includes('researcher') === true) return roster;
  }
  throw new CleanRoomError(
    'forbidden',
    'No roster of the collaboration lists your key as the key of a researcher.',
    {
      remedy: 'Send the output of "clean-room identity" to the person who manages your party’s roster.'
    }
  );
}

/**
 * Plans a submission: resolves the options to the signed documents that they refer to, and checks them against all policies
 * before anything leaves this machine.
 *
 * @param at - the current time
 * @returns everything in the spec except the files, the kernel image, and what a run may cost
 * @throws CleanRoomError `policy-refused`, `not-found`, `forbidden`, `expired`
 */
export async function planSubmission(
  catalogue: Catalogue,
  options: SubmissionOptions,
  keys: PersonKeys,
  at: Date
): Promise<{
  readonly locked: LockedNotebook;
  readonly kernelImage: CataloguedKernelImage;
  readonly estimate: CostEstimate | undefined;
}> {
  const chosen = chooseCollaboration(catalogue, options);
  const assets = options.datasets.flatMap(name => chosen.assets.get(name) ?? []);
  const kernelImage = chooseKernelImage(catalogue, options, assets);
  const { rootKey } = requireSubmitter(chosen, keys);
  for (const { policy, custodian } of assets) {
    requireTerms(policy.value, {
      collaboration: chosen.collaboration,
      party: rootKey,
      purpose: options.purpose,
      kernelImage: kernelImage.digest,
      hosting: custodian.hosting,
      at
    });
  }
  const { run } = strictestTerms(assets.map(({ policy }) => policy.value));
  const machines = await catalogue.machines(options.datasets);
  const compute: Compute = {
    ...DEFAULT_COMPUTE,
    memoryBytes: Math.min(DEFAULT_COMPUTE.memoryBytes, run.memoryBytes),
    ...options.compute
  };
  const locked: LockedNotebook = {
    collaboration: chosen.collaboration.digest,
    purpose: options.purpose,
    kernelImage: kernelImage.digest,
    parameters: options.parameters,
    assets: assets.map(({ version, policy, custodian }) => ({
      name: version.value.name,
      version: version.digest,
      policy: policy.digest,
      custodian: custodian.key
    })),
    submitter: keys.signing.publicKey,
    recipients: [keys.recipient],
    compute,
    files: [...options.files].sort()
  };
  return { locked, kernelImage, estimate: estimateCost(machines, compute, run.wallSeconds) };
}
