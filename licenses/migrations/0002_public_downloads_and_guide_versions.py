from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("licenses", "0001_initial"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="installguide",
            name="install_guide_once_per_platform_and_language",
        ),
        migrations.AddField(
            model_name="installguide",
            name="version",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="As buyers know it, for example 17 or 17.8. Empty: every version.",
                max_length=64,
                verbose_name="version",
            ),
        ),
        migrations.AddField(
            model_name="product",
            name="public_download",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Anyone can download the current installers, for example a free trial.",
                verbose_name="download without an order",
            ),
        ),
        migrations.AddConstraint(
            model_name="installguide",
            constraint=models.UniqueConstraint(
                fields=("product", "platform", "version", "language"), name="install_guide_once_per_version"
            ),
        ),
    ]
