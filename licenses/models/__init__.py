"""What was bought as things that can be used."""

from licenses.models.devices import Device, DeviceRelease
from licenses.models.downloads import Download, DownloadWindow, InstallGuide, Release
from licenses.models.licenses import License, LicensedLine, normalize_serial
from licenses.models.products import Product, SerialPrefix, Sku

__all__ = [
    "Device",
    "DeviceRelease",
    "Download",
    "DownloadWindow",
    "InstallGuide",
    "License",
    "LicensedLine",
    "Product",
    "Release",
    "SerialPrefix",
    "Sku",
    "normalize_serial",
]
