import path from 'node:path';
import type { PolicyFile } from '@clean-room/api/custodian';
import { utf8 } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readKernelImages } from '../catalogue/catalogue.js';
import type { CommandContext } from '../context.js';
import type { CustodianConnection } from '../custodian/connect.js';
import { readRequired } from '../files.js';

/** The options that say under which policy a dataset is published. */
export interface PolicyOptions {
  readonly policy?: string;
  readonly preset?: string;
}

async function sourceOf({ terminal }: CommandContext, options: PolicyOptions): Promise<Uint8Array> {
  if (options.policy !== undefined && options.preset === undefined) {
    return readRequired(path.resolve(terminal.folder, options.policy));
  }
  if (options.preset !== undefined && options.policy === undefined) {
    return utf8(JSON.stringify({ preset: options.preset }));
  }
  throw new CleanRoomError('malformed', 'Name either a policy file or a preset.', {
    remedy:
      'Write --policy FILE, or --preset with one of: health-research, advertising-measurement, open-data.'
  });
}

/**
 * Reads the policy, completes it from its preset and the deployment, and shows it.
 *
 * @throws CleanRoomError `malformed`, `not-found`
 */
export async function decidePolicy(
  context: CommandContext,
  connection: CustodianConnection,
  options: PolicyOptions
): Promise<PolicyFile> {
  const { describePolicy, readPolicySource, rhoOf } = await import('../../provisioning/index.js');
  const { roster, custodian, collaboration, coordinator, trust } = connection;
  const { terminal } = context;
  const resolved = await readPolicySource(await sourceOf(context, options), {
    party: roster.party,
    collaboration: collaboration.value,
    kernelImages: await readKernelImages(coordinator, trust),
    trust,
    coHosted: custodian.hosting === 'co-hosted',
    now: terminal.now(),
    rhoOf: (epsilon, delta) => rhoOf(terminal.env, epsilon, delta)
  });
  terminal.remark('The data is published under this policy:');
  describePolicy(resolved).forEach(line => terminal.remark(line));
  return resolved.policy;
}
