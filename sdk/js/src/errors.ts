/**
 * The errors of this package.
 *
 *     ArionError
 *     ├── ConnectionFailed    the server can't be reached, or the connection broke
 *     ├── RequestTimeout      there was no answer in time
 *     ├── WaitTimeout         what was waited for did not happen in time
 *     ├── NotListening        something waits for events, and no stream of events is open
 *     ├── EventsOverflow      events came faster than the program took them
 *     ├── ChannelGone         the channel ended or left the application
 *     ├── PlaybackError      media could not be played
 *     ├── RecordingError     a recording broke off
 *     └── ApiError            the server refused a request
 *         ├── BadRequest      400
 *         ├── Unauthorized    401
 *         ├── Forbidden       403
 *         ├── NotFound        404
 *         ├── Conflict        409
 *         ├── InvalidState    412
 *         ├── Unprocessable   422
 *         └── ServerFailed    500 and above
 */

/** Base of all errors that this package raises on purpose. */
export class ArionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The server can't be reached, or the connection broke. */
export class ConnectionFailed extends ArionError {}

/** There was no answer in time. */
export class RequestTimeout extends ArionError {}

/** What was waited for did not happen in time. */
export class WaitTimeout extends ArionError {}

/** Waiting for events needs an open stream: see `Client.events` and `Client.run`. */
export class NotListening extends ArionError {}

/** Events came faster than the program took them. */
export class EventsOverflow extends ArionError {}

/** The channel ended or left the application while something was to be done with it. */
export class ChannelGone extends ArionError {}

/** The server could not play the media. */
export class PlaybackError extends ArionError {}

/** The recording broke off. */
export class RecordingError extends ArionError {}

/** The server refused a request. */
export class ApiError extends ArionError {
  /** HTTP status */
  readonly status: number;
  /** what was asked for, such as `channels.answer` */
  readonly operation: string;
  /** what the server says is wrong */
  readonly reason: string;

  constructor(status: number, reason: string, operation: string) {
    super(`${operation}: ${reason} (${status})`);
    this.status = status;
    this.operation = operation;
    this.reason = reason;
  }
}

export class BadRequest extends ApiError {}
export class Unauthorized extends ApiError {}
export class Forbidden extends ApiError {}
export class NotFound extends ApiError {}
export class Conflict extends ApiError {}
export class InvalidState extends ApiError {}
export class Unprocessable extends ApiError {}
export class ServerFailed extends ApiError {}

const BY_STATUS: Record<number, typeof ApiError> = {
  400: BadRequest,
  401: Unauthorized,
  403: Forbidden,
  404: NotFound,
  409: Conflict,
  412: InvalidState,
  422: Unprocessable,
};

/** Make the error of a status. */
export function apiError(status: number, reason: string, operation: string): ApiError {
  const kind = BY_STATUS[status] ?? (status >= 500 ? ServerFailed : ApiError);
  return new kind(status, reason, operation);
}
