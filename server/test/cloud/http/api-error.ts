/** The canonical names that Google's APIs give to HTTP status codes (google/rpc/code.proto). */
const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ALREADY_EXISTS',
  412: 'FAILED_PRECONDITION',
  416: 'OUT_OF_RANGE',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED'
};

/** An error answer of a Google API. */
export class ApiError extends Error {
  /**
   * @param code - the HTTP status
   * @param reason - the reason of the first entry of `errors`, such as `notFound`
   * @param details - values of `error.details`
   */
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly details: readonly object[] = []
  ) {
    super(message);
  }

  /** Returns the body in the shape of all Google APIs (google.aip.dev/193, and `errors` of the older ones). */
  toJSON(): object {
    const status = STATUS_NAMES[this.code];
    return {
      error: {
        code: this.code,
        message: this.message,
        errors: [{ message: this.message, domain: 'global', reason: this.reason }],
        ...(status === undefined ? {} : { status }),
        ...(this.details.length === 0 ? {} : { details: this.details })
      }
    };
  }
}

/** Returns the answer for a value that an API does not take. */
export function invalid(field: string, value: string, reason: string): ApiError {
  return new ApiError(400, 'invalid', `Invalid value for field '${field}': '${value}'. ${reason}`);
}

/** Returns the answer for a resource that does not exist. */
export function notFound(resource: string): ApiError {
  return new ApiError(404, 'notFound', `The resource '${resource}' was not found`);
}
