import type { v1 } from '@google-cloud/compute';

/** Options of Google's clients, for example an address for tests. */
export type ComputeOptions = NonNullable<ConstructorParameters<typeof v1.InstancesClient>[0]>;

/** A client that sends requests with the credentials of a service account. */
export type GoogleClient = NonNullable<ComputeOptions['authClient']>;

/** Returns a client with the credentials of this machine. Google's library is loaded only here. */
export async function googleClient(scope: string): Promise<GoogleClient> {
  const { GoogleAuth } = await import('google-auth-library');
  return new GoogleAuth({ scopes: scope }).getClient();
}
