//! Secrets Manager and Parameter Store references in settings.
