import type { TokenContents, TokenSource, TokenSubject } from '@clean-room/simulator/guest';
import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  chainPlan,
  makeChain,
  makeKey,
  pinned,
  pkiHeader,
  signToken
} from '../../../../packages/protocol/test/attestation/support/authority.js';
import type { GuestSpec } from '../guest.js';

const DAY = 24 * 3600 * 1000;
const ISSUER = 'https://confidentialcomputing.googleapis.com';
const PROFILE =
  'https://cloud.google.com/confidential-computing/confidential-space/docs/reference/token-claims';
const TOKEN_SECONDS = 3600;

/** The claims that depend on the technology that isolates the machine. */
const HARDWARE = {
  TDX: {
    hwmodel: 'GCP_INTEL_TDX',
    attester_tcb: ['INTEL'],
    tdx: { gcp_attester_tcb_status: 'UpToDate', gcp_attester_tcb_date: '2024-03-13T00:00:00Z' }
  },
  SEV: { hwmodel: 'GCP_AMD_SEV' }
} as const;

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

/** Returns claims as Confidential Space writes them about a machine and its container. */
function claimsOf(
  { machine, container }: TokenSubject,
  spec: GuestSpec,
  contents: TokenContents,
  iat: number
): object {
  const { tee } = spec.machine;
  if (tee !== 'TDX' && tee !== 'SEV')
    throw new Error(`Confidential Space does not run on ${tee ?? 'such machines'}`);
  const isDebug = spec.bootImage.includes('debug');
  const [, version = ''] = /(\d{6})$/.exec(spec.bootImage) ?? [];
  const { projectId, projectNumber, zone, instanceName, instanceId } = machine;
  const [nonce] = contents.nonces;
  return {
    aud: contents.audience,
    exp: iat + TOKEN_SECONDS,
    iat,
    iss: ISSUER,
    nbf: iat,
    sub: `https://www.googleapis.com/compute/v1/projects/${projectId}/zones/${zone}/instances/${instanceName}`,
    ...(nonce === undefined ? {} : { eat_nonce: contents.nonces.length === 1 ? nonce : contents.nonces }),
    eat_profile: PROFILE,
    secboot: true,
    oemid: 11129,
    ...HARDWARE[tee],
    swname: 'CONFIDENTIAL_SPACE',
    swversion: [version],
    dbgstat: isDebug ? 'enabled' : 'disabled-since-boot',
    submods: {
      confidential_space: {
        ...(isDebug ? {} : { support_attributes: ['LATEST', 'STABLE', 'USABLE'] }),
        monitoring_enabled: { memory: container.memoryMonitoring ?? false }
      },
      container: {
        image_reference: container.imageReference,
        image_digest: container.imageDigest,
        restart_policy: container.restartPolicy ?? 'Never',
        image_id: container.imageId,
        ...(isEmpty(container.envOverride) ? {} : { env_override: container.envOverride }),
        ...(container.cmdOverride.length === 0 ? {} : { cmd_override: container.cmdOverride }),
        env: container.env,
        args: container.args
      },
      gce: {
        zone,
        project_id: projectId,
        project_number: projectNumber,
        instance_name: instanceName,
        instance_id: instanceId
      }
    },
    google_service_accounts: machine.serviceAccounts
  };
}

/**
 * The authority that attests the machines of the fake cloud. Its tokens have the issuer and the shape of hardware tokens; its root
 * is its own, so only a verifier that is given this root accepts them.
 */
export class AttestationAuthority {
  readonly #leaf: KeyObject;
  readonly #oidc: KeyObject;
  /** Leaf, intermediate and root, as DER. */
  readonly chain: readonly [Buffer, Buffer, Buffer];

  constructor() {
    const keys = { leaf: makeKey(), intermediate: makeKey(), root: makeKey() };
    this.#leaf = keys.leaf;
    this.#oidc = makeKey();
    const plan = chainPlan(keys);
    for (const certificate of Object.values(plan) as (typeof plan.leaf)[]) {
      certificate.from = new Date(Date.now() - DAY);
      certificate.to = new Date(Date.now() + 35 * DAY);
      certificate.subject = certificate.subject.replace('Confidential Space', 'TEST Confidential Space');
      certificate.issuer = certificate.issuer.replace('Confidential Space', 'TEST Confidential Space');
    }
    this.chain = makeChain(plan);
  }

  /** The root, as a verifier pins it. */
  get root(): ReturnType<typeof pinned> {
    return pinned(this.chain[2]);
  }

  /** The keys of the OIDC tokens. */
  get jwks(): { readonly issuer: string; readonly keys: readonly object[] } {
    const key = createPublicKey(this.#oidc).export({ format: 'jwk' });
    return { issuer: ISSUER, keys: [{ ...key, kid: 'oidc', alg: 'RS256', use: 'sig' }] };
  }

  /** Returns the source of the tokens of one machine and container. */
  sourceFor(subject: TokenSubject, spec: GuestSpec, now: () => number = Date.now): TokenSource {
    return {
      issue: async contents => {
        const claims = claimsOf(subject, spec, contents, Math.floor(now() / 1000));
        return contents.kind === 'pki'
          ? signToken(pkiHeader(this.chain), claims, this.#leaf)
          : signToken({ alg: 'RS256', kid: 'oidc', typ: 'JWT' }, claims, this.#oidc);
      }
    };
  }
}
