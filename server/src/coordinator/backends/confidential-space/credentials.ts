import type { ComputeOptions } from './compute.js';

/** A client that sends requests with the credentials of a service account. */
export type GoogleClient = NonNullable<ComputeOptions['authClient']>;

/** Returns a client with the credentials of this machine. Google's library is loaded only here. */
export async function googleClient(scope: string): Promise<GoogleClient> {
  const { GoogleAuth } = await import('google-auth-library');
  return new GoogleAuth({ scopes: scope }).getClient();
}
