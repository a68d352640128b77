import type { ConfidentialSpaceClaims } from './claims.js';
import { SIMULATED_HARDWARE, SIMULATOR_ISSUER } from './trust.js';

/** All nonces: the claim is a string for one, an array for several, absent for none. */
export function nonces(claims: ConfidentialSpaceClaims): readonly string[] {
  if (claims.eat_nonce === undefined) return [];
  return typeof claims.eat_nonce === 'string' ? [claims.eat_nonce] : claims.eat_nonce;
}

/** Whether anything in the claims says that no TEE stood behind them. */
export function isSimulated(claims: ConfidentialSpaceClaims): boolean {
  return claims.iss === SIMULATOR_ISSUER || claims.hwmodel === SIMULATED_HARDWARE;
}

/** Whether the operator can look inside: everything but the one value of production images counts as debug. */
export function isDebug(claims: ConfidentialSpaceClaims): boolean {
  return claims.dbgstat !== 'disabled-since-boot';
}

/** What the operator changed of the image's environment; absent, null and empty mean the same. */
export function environmentOverrides(claims: ConfidentialSpaceClaims): Readonly<Record<string, string>> {
  return claims.submods.container.env_override ?? {};
}

/** What the operator put in place of the image's command; absent, null and empty mean the same. */
export function commandOverride(claims: ConfidentialSpaceClaims): readonly string[] {
  return claims.submods.container.cmd_override ?? [];
}

/** Level of support of the Confidential Space image; empty on debug images. */
export function supportAttributes(claims: ConfidentialSpaceClaims): readonly string[] {
  return claims.submods.confidential_space?.support_attributes ?? [];
}

/** State of the TDX platform as Google last appraised it: seen as one object and documented as an array. */
export function tdxTcb(
  claims: ConfidentialSpaceClaims
): readonly { readonly status?: string; readonly date?: string }[] {
  const entries = claims.tdx === undefined ? [] : Array.isArray(claims.tdx) ? claims.tdx : [claims.tdx];
  return entries.map(({ gcp_attester_tcb_status: status, gcp_attester_tcb_date: date }) => ({
    ...(status === undefined ? {} : { status }),
    ...(date === undefined ? {} : { date })
  }));
}
