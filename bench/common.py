"""What the pages have in common: networks, names, numbers."""

import math

# The networks that are measured, in order.
NETS = {
    "lenet5": "LeNet-5",
    "alexnet": "AlexNet",
    "vgg16": "VGG-16",
    "googlenet": "GoogLeNet",
    "inception_v3": "Inception v3",
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
    "resnext50_32x4d": "ResNeXt-50 32x4d",
    "xception": "Xception",
    "mobilenetv1_100": "MobileNet v1",
    "mobilenet_v2": "MobileNet v2",
    "mobilenet_v3_large": "MobileNet v3 large",
    "densenet121": "DenseNet-121",
    "efficientnet_b0": "EfficientNet-B0",
    "efficientnet_b4": "EfficientNet-B4",
    "convnext_tiny": "ConvNeXt-T",
}

# One of each family, for the mean.
FAMILIES = [
    "lenet5",
    "alexnet",
    "vgg16",
    "googlenet",
    "resnet50",
    "resnext50_32x4d",
    "xception",
    "mobilenet_v2",
    "densenet121",
    "efficientnet_b0",
    "convnext_tiny",
]


def title(net):
    return NETS.get(net, net)


def threads_text(n):
    return "1 thread" if n == 1 else f"{n} threads"


def digits(value):
    """Returns a number with three digits that count, or more before the point."""
    return f"{value:.{max(0, 2 - math.floor(math.log10(max(value, 1e-3))))}f}"
