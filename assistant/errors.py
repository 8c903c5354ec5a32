"""Every error a user can meet. The text names the thing that is wrong and the cure, in one sentence.

AssistantError
├── ConfigError      a configuration file, key or value
├── ModelError       models.lock, pulling, converting, loading; an unknown voice
│   └── PullError    a download or conversion that did not finish
├── AudioError       a sound file or device
├── KeyboardError    a key that cannot be listened to
├── ScriptError      a dialogue script
├── KeepingError     the folder of a kept talk
├── ServiceError     the service that talks from login on
├── ClusterError     a cluster that cannot be used, or whose workers die
└── InferenceError   a model that failed while running
"""

from __future__ import annotations


class AssistantError(Exception):
    """Base of all errors shown to a user without a traceback; the command exits with status 2."""


class ConfigError(AssistantError):
    """A configuration file, key or value cannot be used."""


class ModelError(AssistantError):
    """A model is missing, damaged, unknown or cannot be loaded."""


class PullError(ModelError):
    """A model could not be downloaded or converted; what is there already is kept."""


class AudioError(AssistantError):
    """A sound file or device cannot be used."""


class KeyboardError(AssistantError):
    """A key cannot be listened to."""


class ScriptError(AssistantError):
    """A dialogue script breaks the contract."""


class KeepingError(AssistantError):
    """A talk cannot be kept, or a kept one not taken up again."""


class ServiceError(AssistantError):
    """The service that talks from login on cannot be installed or removed."""


class ClusterError(AssistantError):
    """A cluster cannot be used, or its workers die."""


class InferenceError(AssistantError):
    """A model failed while running."""
