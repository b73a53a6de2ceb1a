/** Which error a status is. */

import {
  ApiError,
  BadRequest,
  Conflict,
  Forbidden,
  InternalError,
  InvalidState,
  MethodNotAllowed,
  NotFound,
  NotSupported,
  ServerFailed,
  TooLarge,
  TooManyRequests,
  Unauthorized,
  Unavailable,
  Unprocessable,
} from '../errors.js';

const BY_STATUS: Record<number, typeof ApiError> = {
  400: BadRequest,
  401: Unauthorized,
  403: Forbidden,
  404: NotFound,
  405: MethodNotAllowed,
  409: Conflict,
  412: InvalidState,
  413: TooLarge,
  422: Unprocessable,
  429: TooManyRequests,
  500: InternalError,
  501: NotSupported,
  503: Unavailable,
};

/** Make the error of a status. */
export function apiError(
  status: number,
  reason: string,
  operation: string,
  body?: Record<string, unknown>,
): ApiError {
  const kind = BY_STATUS[status] ?? (status >= 500 ? ServerFailed : ApiError);
  return new kind(status, reason, operation, body);
}
