import { sign } from 'node:crypto';
import { ApiError } from '../http/api-error.js';
import { parseJson } from '../http/json.js';
import type { Call, Reply, Route } from '../http/api-server.js';
import type { Accounts } from './accounts.js';

const SCOPE = 'https://www.googleapis.com/auth/iam';

/** The IAM Service Account Credentials API: signs with a service account's key, which never leaves Google. */
export class IamCredentials {
  constructor(private readonly accounts: Accounts) {}

  get routes(): readonly Route[] {
    return [
      {
        name: 'iamcredentials.signBlob',
        method: 'POST',
        path: '/v1/projects/-/serviceAccounts/{email}:signBlob',
        query: [],
        handle: call => this.#signBlob(call)
      }
    ];
  }

  #signBlob(call: Call): Reply {
    const caller = this.accounts.authenticate(call.headers.authorization, [SCOPE]);
    const { email = '' } = call.params;
    const body = parseJson(call.body, ['payload', 'delegates']);
    const { payload } = body;
    if (this.accounts.find(email) === undefined) {
      throw new ApiError(404, 'notFound', `Not found; Gaia id not found for email ${email}`);
    }
    this.accounts.authorize(caller, 'iam.serviceAccounts.signBlob', `projects/-/serviceAccounts/${email}`);
    if (typeof payload !== 'string' || !/^[A-Za-z0-9+/_-]+=*$/.test(payload)) {
      throw new ApiError(
        400,
        'badRequest',
        "Invalid value at 'payload' (TYPE_BYTES), Base64 decoding failed"
      );
    }
    const { id, key } = this.accounts.signingKey(email);
    const signature = sign('sha256', Buffer.from(payload, 'base64'), key);
    return { status: 200, body: { keyId: id, signedBlob: signature.toString('base64') } };
  }
}
