from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("refunds", "0001_initial"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="cashbackclaim",
            options={
                "permissions": [
                    ("pay_cashbackclaim", "Can record payouts of cashback"),
                    ("reveal_payoutdetails", "Can see bank details for payouts"),
                ],
                "verbose_name": "cashback claim",
                "verbose_name_plural": "cashback claims",
            },
        ),
    ]
