package dev.coxswain.demo;

/**
 * What one strength did.
 *
 * @param strength relative to the mean norm of a hidden state
 * @param effect mean gain of the words' log-probability, nats
 * @param kl mean KL divergence from the plain model, nats a token
 * @param nll mean negative log-likelihood of the text, nats a token
 */
record Measured(double strength, double effect, double kl, double nll) {}
