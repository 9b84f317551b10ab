"""Licenses, devices, products and downloads."""

from licenses.models.activations import ActivationEvent
from licenses.models.devices import Device, DeviceRelease
from licenses.models.downloads import Download, DownloadExtension, DownloadWindow, InstallGuide, Release
from licenses.models.licenses import EndReason, License, LicensedLine, end_reason, normalize_serial
from licenses.models.missing import LineWithoutSerial
from licenses.models.products import AppliedPrefix, Product, SerialPrefix, Sku

__all__ = [
    "ActivationEvent",
    "AppliedPrefix",
    "Device",
    "DeviceRelease",
    "Download",
    "DownloadExtension",
    "DownloadWindow",
    "EndReason",
    "InstallGuide",
    "License",
    "LicensedLine",
    "LineWithoutSerial",
    "Product",
    "Release",
    "SerialPrefix",
    "Sku",
    "end_reason",
    "normalize_serial",
]
