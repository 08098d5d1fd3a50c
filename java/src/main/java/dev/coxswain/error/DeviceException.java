package dev.coxswain.error;

/** A device cannot be used, or failed while it worked. */
public final class DeviceException extends CoxswainException {
  public DeviceException(String message) {
    super(message);
  }

  public DeviceException(String message, Throwable cause) {
    super(message, cause);
  }
}
