import { Type, type Static } from 'typebox';
import { PolicyFile } from '@clean-room/api/custodian';
import type { Digest } from '@clean-room/protocol/bytes';
import { checkSchema, Closed, Timestamp, toTimestamp, type PublicKey } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Collaboration } from '@clean-room/protocol/parties';
import type { Policy } from '@clean-room/protocol/policies';
import type { TrustRoots } from '@clean-room/protocol/receipts';
import { parseYaml } from '../yaml.js';
import { POLICY_PRESETS, STAND_IN_DELTA, type PolicyPreset } from './presets.js';

const { parties, purposes, kernelImages, tee, run, outputs, coHosted } = PolicyFile.properties;

/**
 * A policy as a person writes it, in YAML or JSON. Everything is optional but the preset; what is missing comes from the preset, the
 * collaboration and the deployment.
 */
const PolicySource = Closed({
  preset: Type.String({ maxLength: 60 }),
  parties: Type.Optional(parties),
  purposes: Type.Optional(purposes),
  validUntil: Type.Optional(Timestamp),
  run: Type.Optional(Type.Partial(run)),
  outputs: Type.Optional(Type.Partial(outputs)),
  /** The ε that all differentially private stand-ins may spend together. */
  epsilon: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
  kernelImages: Type.Optional(kernelImages),
  tee: Type.Optional(tee),
  coHosted: Type.Optional(coHosted)
});
type PolicySource = Static<typeof PolicySource>;

/** The parts of a policy that come from the deployment. */
export interface PolicyDeployment {
  readonly party: string;
  readonly collaboration: Collaboration;
  /** The kernel images that a trusted release key has signed. */
  readonly kernelImages: readonly { readonly digest: Digest; readonly signer: PublicKey }[];
  readonly trust: TrustRoots;
  /** Whether the custodian shares process, database, user or host with the coordinator. */
  readonly coHosted: boolean;
  readonly now: Date;
  /** Returns ρ for an ε and a δ as decimal text. OpenDP converts, so it is called only for an ε that no preset has. */
  readonly rhoOf: (epsilon: string, delta: string) => Promise<string>;
}

const GIB = 1024 ** 3;

/** A policy with what the provider should know about it. */
export interface ResolvedPolicy {
  readonly policy: PolicyFile;
  readonly explanation: string;
}

function unsuitable(message: string, remedy: string): CleanRoomError {
  return new CleanRoomError('malformed', message, { remedy });
}

function presetOf(name: string): PolicyPreset {
  const preset = POLICY_PRESETS.get(name);
  if (preset !== undefined) return preset;
  throw unsuitable(
    `There is no policy preset named "${name.slice(0, 60)}".`,
    `Choose one of: ${[...POLICY_PRESETS.keys()].join(', ')}.`
  );
}

/** The rules for tokens of each kind of root. Hardware must be a production image of Confidential Space. */
const TEE_RULES = {
  simulated: 'assertion.swname == "CONFIDENTIAL_SPACE" && assertion.hwmodel == "SIMULATED"',
  hardware:
    'assertion.swname == "CONFIDENTIAL_SPACE" && assertion.dbgstat == "disabled-since-boot" && "STABLE" in assertion.submods.confidential_space.support_attributes && assertion.hwmodel in ["GCP_INTEL_TDX", "GCP_AMD_SEV"]'
} as const;

/** Returns the TEEs that the steward's trust roots name. Hardware comes first: data for it never goes to a simulator. */
function teeOf(trust: TrustRoots): Policy['tee'] {
  const hardware = trust.tee.filter(({ kind }) => kind === 'hardware');
  const roots = hardware.length > 0 ? hardware : [...trust.tee];
  const kind = roots[0]?.kind;
  if (kind === undefined) {
    throw unsuitable(
      'Your trust roots name no TEE, so no machine could open the data.',
      'Add "tee" to your trust roots.'
    );
  }
  return { rule: TEE_RULES[kind], roots, sandboxProfiles: ['second-uid', 'nested-namespace'] };
}

function kernelImagesOf({ kernelImages: known }: PolicyDeployment): PolicyFile['kernelImages'] {
  if (known.length === 0) {
    throw unsuitable(
      'The clean room offers no kernel image that a release key of your trust roots has signed.',
      'Ask the operator for a released kernel image, or name one in the policy.'
    );
  }
  return {
    digests: known.map(({ digest }) => digest),
    signers: [...new Set(known.map(({ signer }) => signer))]
  };
}

/**
 * Parses a policy in YAML or JSON. One with a preset is completed from the preset, the collaboration and the deployment; one without
 * must be complete.
 *
 * @throws CleanRoomError `malformed`, with the path of the wrong field
 */
export async function readPolicySource(
  bytes: Uint8Array,
  deployment: PolicyDeployment
): Promise<ResolvedPolicy> {
  const source = parseYaml(bytes, 'policy file');
  if (typeof source === 'object' && source !== null && 'preset' in source) {
    return resolvePolicy(checkSchema(PolicySource, source, 'policy file'), deployment);
  }
  return { policy: checkSchema(PolicyFile, source, 'policy file'), explanation: 'A policy without preset.' };
}

/**
 * Completes a policy from its preset, the collaboration and the deployment. By default every other member may use the data for
 * every purpose of the collaboration.
 *
 * @throws CleanRoomError `malformed` for an unknown preset, or when the deployment has no kernel image or no TEE
 */
async function resolvePolicy(source: PolicySource, deployment: PolicyDeployment): Promise<ResolvedPolicy> {
  const preset = presetOf(source.preset);
  const { party, collaboration, trust, now } = deployment;
  const others = collaboration.members.map(member => member.party).filter(name => name !== party);
  return {
    policy: {
      parties: source.parties ?? others,
      purposes: source.purposes ?? [...collaboration.purposes],
      validUntil: source.validUntil ?? toTimestamp(new Date(now.getTime() + preset.days * 86_400_000)),
      kernelImages: source.kernelImages ?? kernelImagesOf(deployment),
      tee: source.tee ?? teeOf(trust),
      run: { ...preset.run, ...source.run },
      outputs: { ...preset.outputs, ...source.outputs },
      privacy: source.epsilon === undefined ? preset.privacy : await privacyOf(source.epsilon, deployment),
      coHosted: source.coHosted ?? deployment.coHosted
    },
    explanation: preset.explanation
  };
}

async function privacyOf(epsilon: number, { rhoOf }: PolicyDeployment): Promise<PolicyFile['privacy']> {
  if (epsilon === 0) return { rho: '0', epsilon: '0', delta: '0' };
  const text = String(epsilon);
  return { rho: await rhoOf(text, STAND_IN_DELTA), epsilon: text, delta: STAND_IN_DELTA };
}

const list = (words: readonly string[]): string => words.join(', ');

/** Describes a policy in lines for the provider who confirms it. */
export function describePolicy({ policy, explanation }: ResolvedPolicy): string[] {
  const { run: limits, outputs: terms, tee: machines, privacy } = policy;
  return [
    explanation,
    `  who          researchers of ${list(policy.parties)}`,
    `  purposes     ${policy.purposes.join('; ')}`,
    `  until        ${policy.validUntil.slice(0, 10)}`,
    `  each run     at most ${limits.wallSeconds / 60} minutes, ${limits.memoryBytes / GIB} GB of memory`,
    `  approvals    allow at most ${limits.runs} runs and ${limits.spareStarts} spare starts`,
    `  outputs      at most ${terms.outputsPerRun} per run, ${terms.bytesPerOutput / 1024} kB each: ${list(terms.mimeTypes)}`,
    `  rows         a text with more than ${terms.valuesPerRow} values of one row is suppressed`,
    `  stand-ins    may spend ε = ${privacy.epsilon} together`,
    `  machines     ${machines.roots.some(({ kind }) => kind === 'hardware') ? 'Confidential Space' : 'SIMULATED only: this protects nothing'}`,
    `  programs     ${policy.kernelImages.digests.length} kernel images, signed by ${policy.kernelImages.signers.length} release keys`
  ];
}
