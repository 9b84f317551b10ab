"""With which key the address of an erased person was hashed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0007_language_chosen_by_the_buyer"),
    ]

    operations = [
        migrations.AddField(
            model_name="suppressedaddress",
            name="key_id",
            field=models.CharField(db_default="", default="", editable=False, max_length=16),
        ),
    ]
